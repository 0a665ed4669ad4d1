//! How SQLite goes about the statements that calls wait for: nothing is looked for by reading a whole table, and nothing is
//! sorted that an index could give in order. Then no call takes longer because there is more history.

use super::open;
use crate::store::messages::SELECTS;
use crate::store::prune::STATEMENTS;
use sqlx::{AssertSqlSafe, Row as _};

/// The steps of a plan that read all of a table or an index, or put rows aside to sort them.
fn faults(plan: &[String]) -> Vec<&String> {
    let reads_all = |step: &&String| {
        let whole = ["SCAN m", "SCAN d", "SCAN s", "SCAN t"].iter().any(|scan| step.starts_with(scan));
        // The index of words gives what matches; lists that were given are short.
        let given = step.contains("VIRTUAL TABLE INDEX");
        (whole && !given) || step.contains("TEMP B-TREE FOR ORDER BY") || step.contains("AUTOMATIC")
    };
    plan.iter().filter(reads_all).collect()
}

#[tokio::test]
async fn no_call_reads_more_because_there_is_more_history() {
    let opened = open().await;
    let mut reader = opened.store.readers.get().await.unwrap();
    for (what, sql) in SELECTS.iter().chain(&STATEMENTS) {
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
        let rows = sqlx::query(explain).fetch_all(reader.connection().unwrap()).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.get::<String, _>("detail")).collect();
        assert!(!plan.is_empty(), "{what}: there is a plan");
        assert!(faults(&plan).is_empty(), "{what}: {:#?} in {plan:#?}", faults(&plan));
    }
}

#[test]
fn a_plan_that_reads_a_table_is_noticed() {
    let plan = ["SCAN m", "SEARCH d USING INDEX deliveries_unread (mailbox=?)"].map(str::to_owned);
    assert_eq!(faults(&plan), [&plan[0]]);
    let plan = ["USE TEMP B-TREE FOR ORDER BY".to_owned()];
    assert_eq!(faults(&plan), [&plan[0]]);
}
