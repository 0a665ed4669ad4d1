//! The connections that read. A pool as small as the task: as many as there are turns, used again in the order that keeps
//! the last one's pages at hand, and with nothing asked of a connection between two reads (the library's own pool pings
//! each one that comes back, which takes as long as a short read).

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Connections. Each is a thread; SQLite reads are short.
pub(crate) const READERS: u32 = 2;
/// How long a read waits for one of them before `broker_busy`: well before the client gives the call up.
const READER_WITHIN: Duration = Duration::from_secs(10);

/// See the module's first lines.
#[derive(Debug)]
pub(crate) struct Readers {
    options: SqliteConnectOptions,
    idle: Mutex<Vec<SqliteConnection>>,
    turns: Semaphore,
}

/// A connection for one read, or a few that belong together.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    /// Only taken when it goes back.
    connection: Option<SqliteConnection>,
    readers: &'a Readers,
    _turn: SemaphorePermit<'a>,
}

impl Readers {
    /// Opens the first connection; further ones when they are needed.
    pub(crate) async fn open(options: SqliteConnectOptions) -> Result<Self, sqlx::Error> {
        let first = SqliteConnection::connect_with(&options).await?;
        Ok(Self { options, idle: Mutex::new(vec![first]), turns: Semaphore::new(READERS as usize) })
    }

    /// Opens every connection when it is needed.
    pub(crate) fn when_needed(options: SqliteConnectOptions) -> Self {
        Self { options, idle: Mutex::default(), turns: Semaphore::new(READERS as usize) }
    }

    /// How its connections are opened.
    pub(crate) const fn options(&self) -> &SqliteConnectOptions {
        &self.options
    }

    /// A connection, as soon as one is free.
    ///
    /// # Errors
    /// `PoolTimedOut` if none becomes free in time, `PoolClosed` after [`Self::close`].
    pub(crate) async fn get(&self) -> Result<Reader<'_>, sqlx::Error> {
        let turn = match self.turns.try_acquire() {
            Ok(turn) => turn,
            Err(_none_free) => tokio::time::timeout(READER_WITHIN, self.turns.acquire())
                .await
                .map_err(|_elapsed| sqlx::Error::PoolTimedOut)?
                .map_err(|_closed| sqlx::Error::PoolClosed)?,
        };
        let idle = self.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => SqliteConnection::connect_with(&self.options).await?,
        };
        Ok(Reader { connection: Some(connection), readers: self, _turn: turn })
    }

    /// Waits for the reads that run, then closes all connections.
    pub(crate) async fn close(&self) {
        if let Ok(all) = self.turns.acquire_many(READERS).await {
            all.forget();
        }
        self.turns.close();
        let idle = std::mem::take(&mut *self.lock());
        for connection in idle {
            if let Err(error) = connection.close().await {
                tracing::debug!(%error, "a connection that read was not closed cleanly");
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<SqliteConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader<'_> {
    /// To be asked.
    ///
    /// # Errors
    /// Never: it is there until it goes back.
    pub(crate) fn connection(&mut self) -> Result<&mut SqliteConnection, sqlx::Error> {
        self.connection.as_mut().ok_or(sqlx::Error::PoolClosed)
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        // A read that was given up ends by itself: its connection does the next one after that.
        if let Some(connection) = self.connection.take() {
            self.readers.lock().push(connection);
        }
    }
}
