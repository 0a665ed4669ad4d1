//! What all rounds came to, and how it is told.

use super::image::Kind;
use super::round::Round;
use super::sift::Sifted;
use crate::report::Report;
use crate::vfs::trace::Change;
use std::time::Instant;

#[derive(Default)]
pub(super) struct Total {
    rounds: usize,
    ended: usize,
    killed: usize,
    failed: usize,
    calls: usize,
    messages: usize,
    old: usize,
    old_messages: usize,
    adopted: usize,
    folded: usize,
    changes: [usize; 4],
    pub(super) sifted: Sifted,
}

impl Total {
    pub(super) fn add(&mut self, round: &Round, sifted: Sifted) {
        self.rounds += 1;
        self.ended += round.ended;
        self.killed += round.killed;
        self.failed += round.failed;
        self.calls += round.history.acknowledged();
        self.messages += round.history.sent();
        self.old += usize::from(round.history.old() > 0);
        self.old_messages += round.history.old();
        for entry in &round.entries {
            let at = match entry.change {
                Change::Written { .. } => 0,
                Change::Truncated { .. } => 1,
                Change::Synced | Change::SyncLied => 2,
                Change::Deleted => 3,
                Change::Opened { .. } => continue,
            };
            self.changes[at] += 1;
            let flush = matches!(entry.change, Change::Synced | Change::SyncLied);
            self.folded += usize::from(flush && entry.name == "c2c.db");
        }
        self.adopted += sifted.adopted;
        self.sifted.add(sifted);
    }

    pub(super) fn tell(&self, wanted: usize, report: &mut Report, began: Instant) {
        let changes = &self.changes;
        report.row("rounds, each on a store of its own", self.rounds);
        report.row(
            "of them on a store of claude-c2c 0.1.0",
            format!("{}, {} messages in it", self.old, self.old_messages),
        );
        report.row(
            "brokers ended / killed / ended by a failed flush in between",
            format!("{} / {} / {}", self.ended, self.killed, self.failed),
        );
        report.row("calls acknowledged", self.calls);
        report.row("messages acknowledged", self.messages);
        let [writes, cuts, flushes, removals] = changes;
        report.row(
            "changes recorded",
            format!("{writes} writes, {flushes} flushes, {cuts} cuts, {removals} removals"),
        );
        report.row("times the log was folded into the store", self.folded);
        report.row("files that a kill left unlike the record", self.adopted);
        self.tell_images(report, began);
        self.tell_promises(wanted, report);
    }

    fn tell_images(&self, report: &mut Report, began: Instant) {
        let sifted = &self.sifted;
        report.row("moments of a cut", sifted.moments);
        report.row("moments with pending writes", sifted.open);
        report.row("images built", sifted.built);
        for kind in Kind::ALL {
            report.row(&format!("  {}", kind.name()), sifted.by_kind.get(&kind).copied().unwrap_or(0));
        }
        report.row("different images opened", sifted.opened);
        report.row("different contents found", sifted.contents);
        let minutes = began.elapsed().as_secs_f64() / 60.0;
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        report.row("time", format!("{minutes:.1} min ({:.0} images/min)", sifted.opened as f64 / minutes));
    }

    fn tell_promises(&self, wanted: usize, report: &mut Report) {
        let sifted = &self.sifted;
        report.promise(
            "moments with pending writes that got no torn or subset image",
            sifted.neglected,
            sifted.neglected == 0,
        );
        for kind in [
            "refused or damaged",
            "lost",
            "unread again",
            "phantom",
            "duplicated",
            "reordered",
            "read unasked",
            "state",
        ] {
            let number = sifted.violations.get(kind).copied().unwrap_or(0);
            report.promise(&format!("images with: {kind}"), number, number == 0);
        }
        let examples = sifted.examples.iter().enumerate();
        examples.for_each(|(at, example)| report.row(&format!("example {}", at + 1), example));
        report.promise("something was acknowledged", self.messages, self.messages > 0);
        report.promise("images opened", sifted.opened, sifted.opened >= wanted);
    }
}
