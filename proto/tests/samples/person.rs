//! What travels for the person at a terminal.

use super::{responses, some, text};
use c2c_proto::message::{Priority, To};
use c2c_proto::request::{
    Backup, Check, Filter, Import, ImportedMessage, Metrics, PruneDryRun, Request, Stop, Traffic,
};
use c2c_proto::response::{self, BackedUp, Checked, Histogram, Imported, Metric, MetricValue, Response};

pub(crate) fn requests() -> Vec<(&'static str, Request)> {
    let traffic = Traffic {
        mailbox: some("web"),
        unread_only: true,
        filter: Filter { from: some("api"), tag: some("review"), reply_to: Some(40), thread: Some(39) },
        query: some("schema"),
        before_id: Some(50),
        after_id: Some(38),
        limit: 20,
        timeout_ms: 1_000,
    };
    vec![
        ("traffic", Request::Traffic(traffic)),
        ("traffic.bare", Request::Traffic(Traffic::default())),
        ("metrics", Request::Metrics(Metrics {})),
        ("stop", Request::Stop(Stop {})),
        ("backup", Request::Backup(Backup { path: text("/backups/c2c.db"), timeout_ms: 3_600_000 })),
        ("import", Request::Import(Import { store_id: text("store"), messages: vec![message()] })),
        ("check", Request::Check(Check { timeout_ms: 60_000 })),
        ("prune_dry_run", Request::PruneDryRun(PruneDryRun { older_than_days: 30 })),
    ]
}

fn message() -> ImportedMessage {
    ImportedMessage {
        origin_id: 41,
        from_name: text("api"),
        from_session: text("session"),
        to: To::One(text("web")),
        body: text("the schema changed"),
        tag: some("review"),
        reply_to: Some(40),
        priority: Priority::Fyi,
        created_at: responses::AT,
        receipts: vec![responses::receipt()],
    }
}

pub(crate) fn responses() -> Vec<(&'static str, Response)> {
    let metric = |value| Metric {
        name: text("c2c_call_duration"),
        help: text("Time that calls took."),
        unit: text("seconds"),
        labels: vec![(text("call"), text("send"))],
        value,
    };
    let histogram = Histogram { buckets: vec![(50, 1), (100, 2)], count: 3, sum: 1_300 };
    let metrics = vec![
        metric(MetricValue::Counter(7)),
        metric(MetricValue::Gauge(8)),
        metric(MetricValue::Histogram(histogram)),
    ];
    let backed_up = BackedUp { path: text("/backups/c2c.db"), bytes: 4_096, messages: 12 };
    vec![
        ("metrics", Response::Metrics(response::Metrics { metrics })),
        ("backed_up", Response::BackedUp(backed_up)),
        ("checked", Response::Checked(Checked { problems: vec![text("row 1 missing")], schema: 4 })),
        ("imported", Response::Imported(Imported { imported: 3, known: 300 })),
        ("checked.bare", Response::Checked(Checked { problems: Vec::new(), schema: 4 })),
    ]
}
