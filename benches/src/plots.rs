//! Plots of a run's figures, as SVG: distributions of latencies, growth with the store, throughput by clients, memory by
//! sessions.

use crate::report::{Figure, Report};
use plotters::prelude::*;
use std::path::Path;

const SIZE: (u32, u32) = (760, 420);
/// Told apart by people who see few colours, too.
const COLOURS: [RGBColor; 8] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(90, 90, 90),
    RGBColor(160, 120, 60),
];

/// One line of a plot.
struct Line {
    label: String,
    points: Vec<(f64, f64)>,
}

/// What stands around the lines.
struct Frame<'a> {
    file: &'a str,
    title: &'a str,
    x: &'a str,
    y: &'a str,
    /// Whether the axes are logarithmic.
    log: (bool, bool),
}

/// Writes all plots for which there are figures into a folder.
///
/// # Panics
/// If the folder cannot be written.
pub fn write(report: &Report, folder: &Path) {
    std::fs::create_dir_all(folder).expect("the folder can be made");
    let latency = Frame {
        file: "latency.svg",
        title: "One call after the other, all processes on one processor",
        x: "of all calls, %",
        y: "µs",
        log: (false, true),
    };
    draw(folder, &latency, &latencies(report));
    let throughput = Frame {
        file: "throughput.svg",
        title: "Sends per second, bodies of 200 B",
        x: "clients",
        y: "sends per s",
        log: (true, true),
    };
    draw(folder, &throughput, &throughputs(report));
    let growth = Frame {
        file: "growth.svg",
        title: "Calls on a store with so many messages",
        x: "messages in the store",
        y: "ms",
        log: (true, true),
    };
    draw(
        folder,
        &growth,
        &by_x(report, "growth", |figure| (figure.unit == "ms").then(|| figure.name.clone())),
    );
    let memory = Frame {
        file: "memory.svg",
        title: "Resident memory of the broker",
        x: "connections",
        y: "MB",
        log: (false, false),
    };
    let resident = |figure: &Figure| {
        let waits = figure.setting.contains("wait");
        (figure.name == "broker, resident").then(|| if waits { "waiting" } else { "idle" }.to_owned())
    };
    draw(folder, &memory, &by_x(report, "memory", resident));
}

/// The quantiles of each call.
fn latencies(report: &Report) -> Vec<Line> {
    let pinned = report.figures.iter().any(|figure| figure.setting == "pinned");
    let setting = if pinned { "pinned" } else { "free" };
    let calls = report.figures.iter().filter(|figure| figure.group == "calls" && figure.setting == setting);
    let line = |figure: &Figure| {
        let quantiles = &figure.summary.as_ref()?.quantiles;
        let points = quantiles.iter().enumerate().map(|(at, value)| (at as f64, *value)).collect();
        Some(Line { label: figure.name.clone(), points })
    };
    calls.filter_map(line).collect()
}

fn throughputs(report: &Report) -> Vec<Line> {
    by_x(report, "throughput", |figure| {
        let (_, durability) = figure.setting.split_once(", 200 B, ")?;
        Some(durability.to_owned())
    })
}

/// One line for each label, through the figures that have a place on the axis.
fn by_x(report: &Report, group: &str, label: impl Fn(&Figure) -> Option<String>) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for figure in report.figures.iter().filter(|figure| figure.group == group) {
        let (Some(x), Some(label)) = (figure.x, label(figure)) else { continue };
        match lines.iter_mut().find(|line| line.label == label) {
            Some(line) => line.points.push((x, figure.value)),
            None => lines.push(Line { label, points: vec![(x, figure.value)] }),
        }
    }
    lines.iter_mut().for_each(|line| line.points.sort_by(|a, b| a.0.total_cmp(&b.0)));
    lines.retain(|line| line.points.len() > 1);
    lines
}

/// The value on its axis; on a logarithmic one its logarithm, and what is not above 0 at its beginning.
fn place(value: f64, log: bool) -> f64 {
    if log { value.max(1.0).log10() } else { value }
}

/// What stands at a place of the axis.
fn told(place: f64, log: bool) -> String {
    let value = if log { 10_f64.powf(place) } else { place };
    match value {
        million if million >= 1e6 => format!("{} M", crate::table::number(million / 1e6)),
        thousand if thousand >= 1e4 => format!("{} k", crate::table::number(thousand / 1e3)),
        value => crate::table::number(value),
    }
}

fn draw(folder: &Path, frame: &Frame<'_>, lines: &[Line]) {
    if lines.is_empty() {
        return;
    }
    let file = folder.join(frame.file);
    let root = SVGBackend::new(&file, SIZE).into_drawing_area();
    paint(&root, frame, lines).unwrap_or_else(|error| panic!("{} cannot be drawn: {error}", file.display()));
    root.present().unwrap_or_else(|error| panic!("{} cannot be written: {error}", file.display()));
}

fn paint(
    root: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    frame: &Frame<'_>,
    lines: &[Line],
) -> Result<(), Box<dyn std::error::Error>> {
    root.fill(&WHITE)?;
    let (x_log, y_log) = frame.log;
    let placed = |line: &Line| -> Vec<(f64, f64)> {
        line.points.iter().map(|(x, y)| (place(*x, x_log), place(*y, y_log))).collect()
    };
    let all: Vec<(f64, f64)> = lines.iter().flat_map(placed).collect();
    let most = |of: fn(&(f64, f64)) -> f64| all.iter().map(of).fold(f64::MIN, f64::max);
    let least = |of: fn(&(f64, f64)) -> f64| all.iter().map(of).fold(f64::MAX, f64::min);
    let y_least = if y_log { least(|point| point.1).floor() } else { 0.0 };
    let mut chart = ChartBuilder::on(root)
        .caption(frame.title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(38)
        .y_label_area_size(64)
        .build_cartesian_2d(
            least(|point| point.0)..most(|point| point.0),
            y_least..most(|point| point.1) * 1.04,
        )?;
    chart
        .configure_mesh()
        .x_desc(frame.x)
        .y_desc(frame.y)
        .x_label_formatter(&|x| told(*x, x_log))
        .y_label_formatter(&|y| told(*y, y_log))
        .light_line_style(WHITE)
        .draw()?;
    for (line, colour) in lines.iter().zip(COLOURS.iter().cycle()) {
        let drawn = chart.draw_series(LineSeries::new(placed(line), colour.stroke_width(2)))?;
        let colour = *colour;
        drawn
            .label(&line.label)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.85))
        .border_style(RGBColor(200, 200, 200))
        .draw()?;
    Ok(())
}
