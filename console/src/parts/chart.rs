//! Charts, drawn as SVG. Each has a table of the same figures for who does not see it.

use leptos::prelude::*;

use crate::text::grouped;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 160.0;

/// One column: what it is called, and its parts from the bottom up.
pub(crate) type Column = (String, Vec<u64>);

/// Columns of stacked parts. `parts` names them, in the order of the colours `chart-0`, `chart-1`, ….
#[component]
pub(crate) fn Bars(
    /// What is counted.
    #[prop(into)]
    label: String,
    /// What a column is, for the table.
    #[prop(into)]
    of: String,
    /// The names of the parts.
    parts: Vec<&'static str>,
    /// The columns.
    columns: Signal<Vec<Column>>,
) -> impl IntoView {
    let names = parts.clone();
    let drawn = move || {
        columns.with(|columns| {
            let most = columns
                .iter()
                .map(|(_, parts)| parts.iter().sum())
                .max()
                .unwrap_or(0_u64)
                .max(1);
            let width = WIDTH / columns.len().max(1) as f64;
            let mut bars = Vec::new();
            for (place, (name, values)) in columns.iter().enumerate() {
                let mut top = HEIGHT;
                for (part, value) in values.iter().enumerate().filter(|(_, value)| **value > 0) {
                    // Whatever there is can be seen.
                    let height = (*value as f64 / most as f64 * HEIGHT).max(1.5);
                    top -= height;
                    let title = format!("{name}: {} {}", grouped(*value), names.get(part).unwrap_or(&""));
                    bars.push(view! {
                        <rect
                            class=format!("chart-{part}")
                            x=format!("{:.2}", place as f64 * width + width * 0.08)
                            y=format!("{top:.2}")
                            width=format!("{:.2}", (width * 0.84).max(0.5))
                            height=format!("{height:.2}")
                        >
                            <title>{title}</title>
                        </rect>
                    });
                }
            }
            bars
        })
    };
    let most = move || columns.with(|columns| columns.iter().map(|(_, parts)| parts.iter().sum::<u64>()).max());
    let ends = move || {
        columns.with(|columns| {
            let name = |column: Option<&Column>| column.map(|(name, _)| name.clone()).unwrap_or_default();
            (name(columns.first()), name(columns.last()))
        })
    };
    let legend = parts
        .iter()
        .enumerate()
        .map(|(part, name)| {
            view! {
                <li>
                    <span class=format!("swatch chart-{part}") aria-hidden="true"></span>
                    {*name}
                </li>
            }
        })
        .collect_view();
    let heads = parts
        .iter()
        .map(|name| view! { <th scope="col">{*name}</th> })
        .collect_view();
    let rows = move || {
        columns
            .get()
            .into_iter()
            .filter(|(_, values)| values.iter().any(|value| *value > 0))
            .map(|(name, values)| {
                view! {
                    <tr>
                        <th scope="row">{name}</th>
                        {values.into_iter().map(|value| view! { <td>{grouped(value)}</td> }).collect_view()}
                    </tr>
                }
            })
            .collect_view()
    };
    view! {
        <figure class="chart">
            <figcaption>
                <span>{label.clone()}</span>
                <ul class="legend">{legend}</ul>
            </figcaption>
            <p class="chart-most" aria-hidden="true">
                {move || grouped(most().unwrap_or(0))}
            </p>
            <svg viewBox=format!("0 0 {WIDTH} {HEIGHT}") preserveAspectRatio="none" role="img" aria-label=label.clone()>
                <line class="axis" x1="0" y1=HEIGHT.to_string() x2=WIDTH.to_string() y2=HEIGHT.to_string()></line>
                {drawn}
            </svg>
            <p class="chart-ends" aria-hidden="true">
                <span>{move || ends().0}</span>
                <span>{move || ends().1}</span>
            </p>
            <details class="figures">
                <summary>"As a table"</summary>
                <div class="scroll">
                    <table>
                        <thead>
                            <tr>
                                <th scope="col">{of}</th>
                                {heads}
                            </tr>
                        </thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
            </details>
        </figure>
    }
}

/// A curve that rises, such as destinations known by day.
#[component]
pub(crate) fn Curve(
    /// What is counted.
    #[prop(into)]
    label: String,
    /// What a point is, for the table.
    #[prop(into)]
    of: String,
    /// Name and value of each point.
    points: Signal<Vec<(String, u64)>>,
) -> impl IntoView {
    let head = label.clone();
    let rows = move || {
        let points = points.get().into_iter();
        points
            .map(|(name, value)| {
                view! {
                    <tr>
                        <th scope="row">{name}</th>
                        <td>{grouped(value)}</td>
                    </tr>
                }
            })
            .collect_view()
    };
    let path = move || {
        points.with(|points| {
            let most = points.iter().map(|(_, value)| *value).max().unwrap_or(0).max(1) as f64;
            let step = WIDTH / points.len().saturating_sub(1).max(1) as f64;
            let mut path = String::new();
            for (place, (_, value)) in points.iter().enumerate() {
                let letter = if place == 0 { 'M' } else { 'L' };
                let (x, y) = (place as f64 * step, HEIGHT - *value as f64 / most * (HEIGHT - 4.0));
                path.push_str(&format!("{letter}{x:.1} {y:.1} "));
            }
            if points.len() == 1 {
                path.push_str(&format!("L{WIDTH} 4 "));
            }
            path
        })
    };
    let ends = move || {
        points.with(|points| {
            let text = |point: Option<&(String, u64)>| {
                point
                    .map(|(name, value)| format!("{name}: {}", grouped(*value)))
                    .unwrap_or_default()
            };
            (text(points.first()), text(points.last()))
        })
    };
    view! {
        <figure class="chart chart-curve">
            <figcaption>{label.clone()}</figcaption>
            <svg viewBox=format!("0 0 {WIDTH} {HEIGHT}") preserveAspectRatio="none" role="img" aria-label=label>
                <line class="axis" x1="0" y1=HEIGHT.to_string() x2=WIDTH.to_string() y2=HEIGHT.to_string()></line>
                <path class="curve" d=path></path>
            </svg>
            <p class="chart-ends">
                <span>{move || ends().0}</span>
                <span>{move || ends().1}</span>
            </p>
            <details class="figures">
                <summary>"As a table"</summary>
                <div class="scroll">
                    <table>
                        <thead>
                            <tr>
                                <th scope="col">{of}</th>
                                <th scope="col">{head}</th>
                            </tr>
                        </thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
            </details>
        </figure>
    }
}
