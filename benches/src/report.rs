//! A run's figures, as they are written to JSON and read again for tables and plots.

use crate::machine::Machine;
use crate::samples::Summary;
use serde::{Deserialize, Serialize};

/// Everything that one run measured.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Report {
    /// Where.
    pub machine: Machine,
    /// The command that measured.
    pub command: String,
    /// When it began, in UTC.
    pub began: String,
    /// What it measured, in that order.
    pub figures: Vec<Figure>,
}

/// One figure.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Figure {
    /// The group that it belongs to, as on the command line.
    pub group: String,
    /// What was measured.
    pub name: String,
    /// Under what conditions: `pinned`, `64 clients, 200 B, full`.
    pub setting: String,
    /// What the values count.
    pub unit: String,
    /// The figure itself: of several measurements their median.
    pub value: f64,
    /// The measurements behind it, if there were several.
    pub summary: Option<Summary>,
    /// What the machine could do at best, measured in the same run.
    pub floor: Option<Floor>,
    /// What the project wants to reach.
    pub target: Option<Target>,
    /// Where it stands on the axis of its plot.
    pub x: Option<f64>,
}

/// What a figure is compared with.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Floor {
    /// What it is made of.
    pub what: String,
    /// In the figure's unit.
    pub value: f64,
}

/// A bound, of the ratio to the floor if there is a floor, else of the value itself.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The ratio (value / floor) is to be at most this.
    RatioAtMost(f64),
    /// The ratio (value / floor) is to be at least this.
    RatioAtLeast(f64),
    /// The floor is to be at least so many times the value.
    TimesLessThanFloor(f64),
    /// The value is to be at most this.
    AtMost(f64),
    /// The value is to be at least this.
    AtLeast(f64),
}

impl Figure {
    /// A single value.
    #[must_use]
    pub fn value(group: &str, name: &str, setting: &str, unit: &str, value: f64) -> Self {
        Self {
            group: group.to_owned(),
            name: name.to_owned(),
            setting: setting.to_owned(),
            unit: unit.to_owned(),
            value,
            summary: None,
            floor: None,
            target: None,
            x: None,
        }
    }

    /// The median of several measurements.
    #[must_use]
    pub fn samples(group: &str, name: &str, setting: &str, unit: &str, summary: Summary) -> Self {
        let value = Self::value(group, name, setting, unit, summary.p50);
        Self { summary: Some(summary), ..value }
    }

    /// With what it is compared with.
    #[must_use]
    pub fn beside(mut self, what: &str, value: f64) -> Self {
        self.floor = Some(Floor { what: what.to_owned(), value });
        self
    }

    /// With what it is to reach.
    #[must_use]
    pub const fn to_reach(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }

    /// With its place on the axis of a plot.
    #[must_use]
    pub const fn at(mut self, x: f64) -> Self {
        self.x = Some(x);
        self
    }

    /// The value in floors.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        self.floor.as_ref().map(|floor| self.value / floor.value)
    }

    /// Whether the target is met, if there is one.
    #[must_use]
    pub fn met(&self) -> Option<bool> {
        let ratio = self.ratio().unwrap_or(f64::NAN);
        Some(match self.target? {
            Target::RatioAtMost(bound) => ratio <= bound,
            Target::RatioAtLeast(bound) => ratio >= bound,
            Target::TimesLessThanFloor(bound) => ratio * bound <= 1.0,
            Target::AtMost(bound) => self.value <= bound,
            Target::AtLeast(bound) => self.value >= bound,
        })
    }
}
