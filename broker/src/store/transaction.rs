//! One transaction, in as few trips to the connection's thread as its questions allow.
//!
//! A connection is a thread of its own, and each statement that is awaited by itself costs two changes of threads, which is
//! more than most statements take. So what is written is gathered, and goes along with the next question or the commit:
//! a batch that asks nothing is one trip from its begin to its commit. Rows that are only needed after the commit come with
//! it. The order of the statements is that in which they were added.

use futures_util::TryStreamExt;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments, AssertSqlSafe, Either, Encode, Executor, Sqlite, SqliteConnection, Type};
use std::collections::VecDeque;

/// When nobody else can open the store any more: goes on only if nobody has opened it since, otherwise fails, and with it all
/// that was sent along. (Only a trigger could raise an error of our own; what is no JSON does as well.)
const ONLY_IF_OURS: &str =
    "SELECT CASE WHEN (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'epoch') = ? THEN 1
       ELSE json('opened by another broker') END";

/// Statements that were not sent yet, and the transaction that they belong to. What is dropped without a commit is left
/// to its owner to be undone.
#[derive(Debug)]
pub(crate) struct Transaction<'c> {
    connection: &'c mut SqliteConnection,
    sql: String,
    /// How many statements that is.
    statements: usize,
    arguments: SqliteArguments,
    /// Which of them give rows that are kept, in their order.
    keep: VecDeque<usize>,
    kept: Kept,
    tickets: usize,
}

/// The rows that were kept of a transaction.
#[derive(Debug, Default)]
pub(crate) struct Kept(pub(super) Vec<Vec<SqliteRow>>);

/// Which of them: those of one statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket(pub(super) usize);

impl Kept {
    /// The rows of a statement.
    pub(crate) fn of(&self, ticket: Ticket) -> &[SqliteRow] {
        self.0.get(ticket.0).map_or(&[], Vec::as_slice)
    }
}

impl<'c> Transaction<'c> {
    /// A transaction of the broker that opened the store as the `epoch`th. Nothing is sent yet.
    pub(crate) fn new(connection: &'c mut SqliteConnection, epoch: u64) -> Self {
        let (sql, arguments) = (String::new(), SqliteArguments::default());
        let (keep, kept) = (VecDeque::new(), Kept::default());
        let mut transaction = Self { connection, sql, statements: 0, arguments, keep, kept, tickets: 0 };
        transaction.add("BEGIN IMMEDIATE");
        transaction.add(ONLY_IF_OURS).bind(i64::try_from(epoch).unwrap_or(i64::MAX));
        transaction
    }

    /// Adds a statement, whose parameters are all `?`. Its values are bound next, in their order.
    pub(crate) fn add(&mut self, statement: &'static str) -> &mut Self {
        self.sql.push_str(statement);
        self.sql.push(';');
        self.statements += 1;
        self
    }

    /// Binds the next value of what was added last.
    pub(crate) fn bind<'q>(&mut self, value: impl Encode<'q, Sqlite> + Type<Sqlite>) -> &mut Self {
        // Numbers and texts are what is bound here, and those can always be encoded.
        let encoded = self.arguments.add(value);
        debug_assert!(encoded.is_ok(), "{encoded:?}");
        self
    }

    /// Keeps the rows of what was added last until the transaction is committed.
    pub(crate) fn keep_rows(&mut self) -> Ticket {
        self.keep.push_back(self.statements - 1);
        self.tickets += 1;
        Ticket(self.tickets - 1)
    }

    /// Sends what was added. The rows that the last statement gave, if they are not kept.
    pub(crate) async fn rows(&mut self) -> Result<Vec<SqliteRow>, sqlx::Error> {
        let (mut last, mut rows) = (Vec::new(), Vec::new());
        if self.sql.is_empty() {
            return Ok(last);
        }
        // Put together of constants only; all that comes from outside is bound.
        let sql = AssertSqlSafe(std::mem::take(&mut self.sql));
        let query = sqlx::query_with(sql, std::mem::take(&mut self.arguments));
        let mut answers = (&mut *self.connection).fetch_many(query);
        // Not to the end of the answers: that would be one more change of threads.
        let (statements, mut ended) = (std::mem::take(&mut self.statements), 0);
        while ended < statements
            && let Some(answer) = answers.try_next().await?
        {
            match answer {
                Either::Right(row) => rows.push(row),
                Either::Left(_end_of_a_statement) => {
                    last = std::mem::take(&mut rows);
                    if self.keep.front() == Some(&ended) {
                        self.keep.pop_front();
                        self.kept.0.push(std::mem::take(&mut last));
                    }
                    ended += 1;
                }
            }
        }
        Ok(last)
    }

    /// The connection, once everything that was added is done, for what is rare.
    pub(crate) async fn connection(&mut self) -> Result<&mut SqliteConnection, sqlx::Error> {
        self.rows().await?;
        Ok(self.connection)
    }

    /// Sends what was added, and commits. The rows that were kept.
    pub(crate) async fn commit(mut self) -> Result<Kept, sqlx::Error> {
        self.add("COMMIT").rows().await?;
        Ok(self.kept)
    }
}

/// A statement that writes rows of so many columns, of which the first is never null.
#[derive(Debug)]
pub(crate) struct Insert {
    /// `INSERT INTO … (…)`.
    pub(crate) head: &'static str,
    pub(crate) columns: usize,
}

/// Up to so many rows are written by a statement with so many places; the places that are left are filled with rows of
/// nothing. So a few statements are prepared, and none of them is much longer than it has to be.
const PLACES: [usize; 5] = [1, 4, 16, 32, 64];

impl Transaction<'_> {
    /// Adds rows; `bind` binds the columns of one.
    pub(crate) fn insert<Row>(&mut self, insert: &Insert, rows: &[Row], bind: impl Fn(&mut Self, &Row)) {
        let [one, .., most] = PLACES;
        for rows in rows.chunks(most) {
            let places = PLACES.into_iter().find(|places| rows.len() <= *places).unwrap_or(most);
            self.sql.push_str(insert.head);
            let (before, after) = if places == one {
                (" VALUES ", ";")
            } else {
                (" SELECT * FROM (VALUES ", ") WHERE column1 NOT NULL;")
            };
            self.sql.push_str(before);
            for place in 0..places {
                self.sql.push_str(if place == 0 { "(?" } else { ",(?" });
                (1..insert.columns).for_each(|_| self.sql.push_str(",?"));
                self.sql.push(')');
            }
            self.sql.push_str(after);
            self.statements += 1;
            rows.iter().for_each(|row| bind(self, row));
            for _ in 0..(places - rows.len()) * insert.columns {
                self.bind(None::<i64>);
            }
        }
    }
}
