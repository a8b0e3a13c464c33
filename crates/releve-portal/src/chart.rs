//! How does a month look, day by day? Bars drawn on the server, and the same as a table for whoever can't see them.

use maud::{Markup, html};

use crate::show;

const BAR_WIDTH: i64 = 20;
const BAR_GAP: i64 = 6;
const HEIGHT: i64 = 120;

/// A day's GPU time.
pub(crate) struct Bar {
    pub label: String,
    pub ms: i64,
}

pub(crate) fn bars(title: &str, bars: &[Bar]) -> Markup {
    let most = bars.iter().map(|bar| bar.ms).max().unwrap_or(0).max(1);
    let count = i64::try_from(bars.len()).unwrap_or(i64::MAX / BAR_WIDTH).max(1);
    let height =
        |ms: i64| i64::try_from(i128::from(ms.max(0)) * i128::from(HEIGHT) / i128::from(most)).unwrap_or(HEIGHT);
    let middle = bars.get(bars.len() / 2).map_or("", |bar| bar.label.as_str());
    let ends = (bars.first().map_or("", |bar| bar.label.as_str()), bars.last().map_or("", |bar| bar.label.as_str()));
    html! {
        figure.chart {
            p.chart-top { span { "most in a day" } " " strong { (show::grouped(&show::hours(most))) " GPU-h" } }
            svg role="img" aria-label=(format!("{title}; the same figures are in the table below")) preserveAspectRatio="none"
                viewBox=(format!("0 0 {} {HEIGHT}", count * BAR_WIDTH)) {
                @for (index, bar) in (0_i64..).zip(bars) {
                    @let tall = height(bar.ms);
                    rect.bar x=(index * BAR_WIDTH + BAR_GAP / 2) y=(HEIGHT - tall) width=(BAR_WIDTH - BAR_GAP) height=(tall) {
                        title { (bar.label) ": " (show::grouped(&show::hours(bar.ms))) " GPU-h" }
                    }
                }
            }
            div.axis aria-hidden="true" { span { (ends.0) } span { (middle) } span { (ends.1) } }
            details {
                summary { "As a table" }
                div.scroll tabindex="0" role="region" aria-label=(title) {
                    table {
                        caption.unseen { (title) }
                        thead { tr { th scope="col" { "Day" } th.r scope="col" { "GPU-hours" } } }
                        tbody {
                            @for bar in bars {
                                tr { th scope="row" { (bar.label) } td.r { (show::grouped(&show::hours(bar.ms))) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
