//! A run's figures as tables in Markdown.

use crate::report::{Figure, Report, Target};
use std::fmt::Write;

/// All of it.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let mut out = String::new();
    let mut group = "";
    for figure in &report.figures {
        if figure.group != group {
            group = &figure.group;
            let _ = write!(out, "\n### {group}\n\n");
            out.push_str("| what | setting | figure | p99 | spread | floor | ratio | to reach |\n");
            out.push_str("| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |\n");
        }
        row(&mut out, figure);
    }
    out
}

fn row(out: &mut String, figure: &Figure) {
    let summary = figure.summary.as_ref();
    let p99 = summary.filter(|summary| summary.n >= 100).map(|summary| number(summary.p99));
    let spread = summary.filter(|summary| summary.rounds.len() > 1).map(|summary| {
        let least = summary.rounds.iter().copied().fold(f64::INFINITY, f64::min);
        let most = summary.rounds.iter().copied().fold(0.0, f64::max);
        format!("{}–{}", number(least), number(most))
    });
    let floor = figure.floor.as_ref().map(|floor| format!("{} ({})", number(floor.value), floor.what));
    let ratio = figure.ratio().map(ratio);
    let _ = writeln!(
        out,
        "| {} | {} | {} {} | {} | {} | {} | {} | {} |",
        figure.name,
        figure.setting,
        number(figure.value),
        figure.unit,
        p99.unwrap_or_default(),
        spread.unwrap_or_default(),
        floor.unwrap_or_default(),
        ratio.unwrap_or_default(),
        reach(figure),
    );
}

fn reach(figure: &Figure) -> String {
    let Some(target) = figure.target else { return String::new() };
    let bound = match target {
        Target::RatioAtMost(bound) => format!("≤ {} ×", number(bound)),
        Target::RatioAtLeast(bound) => format!("≥ {} ×", number(bound)),
        Target::TimesLessThanFloor(bound) => format!("≥ {} × less", number(bound)),
        Target::AtMost(bound) => format!("≤ {}", number(bound)),
        Target::AtLeast(bound) => format!("≥ {}", number(bound)),
    };
    let met = if figure.met() == Some(true) { "reached" } else { "**missed**" };
    format!("{bound}: {met}")
}

fn ratio(ratio: f64) -> String {
    if ratio > 0.0 && ratio < 0.1 {
        format!("1/{}", number(1.0 / ratio))
    } else {
        format!("{} ×", number(ratio))
    }
}

/// Three digits that mean something.
#[must_use]
pub fn number(value: f64) -> String {
    let decimals = match value.abs() {
        0.0 => 0,
        size if size < 10.0 => 2,
        size if size < 100.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.decimals$}");
    let (whole, rest) = text.split_once('.').map_or((text.as_str(), ""), |(whole, rest)| (whole, rest));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if rest.is_empty() { grouped } else { format!("{grouped}.{rest}") }
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_have_about_three_digits() {
        let given = [0.0, 0.1234, 9.876, 12.34, 123.4, 1_234.0, 1_234_567.0];
        let said = ["0", "0.12", "9.88", "12.3", "123", "1,234", "1,234,567"];
        assert_eq!(given.map(number), said);
    }
}
