//! What nobody waits for goes to the disk with what is asked next, if that comes soon: whoever was shown mail mostly goes on with it
//! at once, and would wait for the flush of a mark of no use to it.

use super::batch::QUEUE_MAX_JOBS;
use super::jobs::Job;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// So long at most. A program that was given mail is back before.
const FOR: Duration = Duration::from_millis(1);

const fn can_wait(job: &Job) -> bool {
    matches!(job, Job::Shown(_))
}

/// Waits for a job that somebody waits for, where all that is queued can.
pub(super) async fn linger(
    queue: &mut Vec<Job>,
    jobs: &mut UnboundedReceiver<Job>,
    stop: &CancellationToken,
) {
    if queue.is_empty() || !queue.iter().all(can_wait) {
        return;
    }
    let company = async {
        while let Some(job) = jobs.recv().await {
            let waits = can_wait(&job);
            queue.push(job);
            if !waits || queue.len() >= QUEUE_MAX_JOBS {
                break;
            }
        }
    };
    tokio::select! {
        () = company => {}
        () = sleep(FOR) => {}
        () = stop.cancelled() => {}
    }
}
