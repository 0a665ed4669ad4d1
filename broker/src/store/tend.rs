//! What the writer does beside the changes: it folds the log into the store, and makes what is indexed later.

use super::batch::Batch;
use super::checkpoint::NotFolded;
use super::writer::{Failure, Writer};
use c2c_proto::Error;

impl Writer {
    /// What is to be done beside the changes when nobody waits.
    pub(super) async fn tend_at_leisure(&mut self) {
        if self.refusal.is_some() {
            return;
        }
        self.index_while_idle().await;
        let folded = self.checkpoint.at_leisure(&mut self.connection).await;
        self.heed(folded);
    }

    /// What cannot be left until nobody waits.
    pub(super) async fn tend_under_load(&mut self) {
        if self.refusal.is_some() {
            return;
        }
        // As much as came with the last commit. What fails is tried again after the next one.
        while self.text.is_far_behind(self.numbers.last_message_id) && self.index_some().await.is_ok() {}
        let folded = self.checkpoint.under_load(&mut self.connection).await;
        self.heed(folded);
    }

    async fn index_while_idle(&mut self) {
        while self.jobs.is_empty()
            && !self.stop.is_cancelled()
            && self.refusal.is_none()
            && self.text.wants_idle_time(self.numbers.last_message_id)
            && self.index_some().await.is_ok()
        {}
    }

    /// Indexes some of what a search may ask for, and tells those for which it is enough. What is changed meanwhile is not
    /// kept waiting by a search that finds much to do.
    pub(super) async fn serve_searches(&mut self) {
        if self.stop.is_cancelled() {
            // Nobody reads any more.
            self.searches.clear();
        }
        let Some(wanted) = self.searches.iter().map(|search| search.up_to).max() else { return };
        let mut indexed = Ok(());
        if self.text.up_to() < wanted {
            indexed = match self.refusing() {
                Some(reason) => Err(reason),
                None => self.index_some().await,
            };
        }
        let up_to = self.text.up_to();
        for search in self.searches.extract_if(.., |search| indexed.is_err() || search.up_to <= up_to) {
            let _ = search.answer.answer.send(indexed.clone());
        }
    }

    /// Indexes some texts. The error is for whoever searches.
    async fn index_some(&mut self) -> Result<(), Error> {
        let (epoch, last_id) = (self.epoch, self.numbers.last_message_id);
        match self.text.some(&mut self.connection, epoch, last_id).await {
            Ok(()) => {
                // Many texts make a long log.
                let folded = self.checkpoint.under_load(&mut self.connection).await;
                self.heed(folded);
                Ok(())
            }
            Err(error) => match self.undone(error).await {
                Failure::TakenOver => Err(self.give_way(Batch::default())),
                Failure::Sql(error) => Err(self.fail(Batch::default(), &error)),
            },
        }
    }

    /// Folds the whole log into the store.
    pub(super) async fn fold_at_once(&mut self) {
        let folded = self.checkpoint.empty(&mut self.connection, self.epoch).await;
        self.heed(folded);
    }

    /// What a fold came to.
    fn heed(&mut self, folded: Result<(), NotFolded>) {
        let Err(NotFolded { error, in_doubt }) = folded else { return };
        tracing::warn!(%error, "the write-ahead log could not be folded into the store");
        if in_doubt {
            self.shared.stats.failed(self.shared.clock.now(), &format!("the log was not folded: {error}"));
            self.doubt("the log could not be folded into the store");
        }
    }
}
