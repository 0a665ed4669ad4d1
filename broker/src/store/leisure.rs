//! When there is time for what can be left until nobody waits.

use std::future::pending;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// Nobody waits when nothing was done for so long: a client that goes on as soon as it has its answer is back before.
const AFTER: Duration = Duration::from_millis(2);

/// One timer for all changes: to set one anew for each would wake the broker's thread each time.
#[derive(Debug)]
pub(crate) struct Leisure {
    /// From when on; `None` where nothing was done since it came.
    from: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Default for Leisure {
    fn default() -> Self {
        Self { from: Some(Instant::now() + AFTER), timer: None }
    }
}

impl Leisure {
    /// Something is done now.
    pub(crate) fn put_off(&mut self) {
        self.from = Some(Instant::now() + AFTER);
    }

    /// Resolves when nothing was done for long enough, once until something is done again. May be dropped at any time.
    pub(crate) async fn comes(&mut self) {
        let Some(from) = self.from else { return pending().await };
        loop {
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(from)));
            timer.as_mut().await;
            if Instant::now() >= from {
                (self.from, self.timer) = (None, None);
                return;
            }
            timer.as_mut().reset(from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AFTER, Leisure};
    use futures_util::FutureExt;
    use tokio::time::{advance, pause};

    #[tokio::test]
    async fn it_comes_when_nothing_was_done_for_long_enough() {
        pause();
        let mut leisure = Leisure::default();
        assert_eq!(leisure.comes().now_or_never(), None);
        advance(AFTER * 3 / 4).await;
        leisure.put_off();
        advance(AFTER * 3 / 4).await;
        assert_eq!(leisure.comes().now_or_never(), None, "something was done meanwhile");
        advance(AFTER / 2).await;
        assert_eq!(leisure.comes().now_or_never(), Some(()));
        advance(AFTER * 2).await;
        assert_eq!(leisure.comes().now_or_never(), None, "nothing was done since");
        leisure.put_off();
        assert_eq!(leisure.comes().now_or_never(), None, "and from then on again");
        advance(AFTER * 2).await;
        assert_eq!(leisure.comes().now_or_never(), Some(()));
    }
}
