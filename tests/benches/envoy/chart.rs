//! What a request costs as the list grows.

use std::collections::BTreeMap;
use std::path::Path;

use plotters::prelude::{
    ChartBuilder, Circle, Color, IntoDrawingArea, IntoFont, IntoLogRange, LineSeries, Palette, Palette99, PathElement,
    SVGBackend, SeriesLabelPosition, WHITE,
};
use plotters::series::PointSeries;
use plotters::style::RGBColor;

use crate::report::Report;
use crate::subject::Protocol;

const SIZE: (u32, u32) = (820, 460);
const BORDER: RGBColor = RGBColor(160, 160, 160);

/// Draws it.
pub(crate) fn draw(report: &Report, path: &Path) {
    let mut lines: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for row in &report.rows {
        if row.subject.protocol == Protocol::Http && row.subject.hosts > 0 {
            let line = lines.entry(row.subject.family).or_default();
            line.push((row.subject.hosts as f64, row.cpu_micros()));
        }
    }
    let most = lines.values().flatten().map(|(_, micros)| *micros).fold(1.0, f64::max);
    let drawn = try_draw(&lines, most, path);
    drawn.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

type Lines<'l> = BTreeMap<&'l str, Vec<(f64, f64)>>;

fn try_draw(lines: &Lines<'_>, most: f64, path: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(
            "Envoy's CPU time for a request, by hosts in the list",
            ("sans-serif", 18).into_font(),
        )
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(56)
        .build_cartesian_2d((8.0..200_000.0).log_scale(), (1.0..most * 1.4).log_scale())?;
    chart.configure_mesh().x_desc("hosts").y_desc("µs").draw()?;
    for (at, (name, points)) in lines.iter().enumerate() {
        let colour = Palette99::pick(at).to_rgba();
        let line = chart.draw_series(LineSeries::new(points.clone(), colour.stroke_width(2)))?;
        line.label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        chart.draw_series(PointSeries::<_, _, Circle<_, _>, _>::new(
            points.clone(),
            4,
            colour.filled(),
        ))?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerLeft)
        .border_style(BORDER)
        .background_style(WHITE)
        .draw()?;
    area.present()?;
    Ok(())
}
