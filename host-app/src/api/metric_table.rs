//! The metrics on a host's page: values, levels and thresholds, and where between these a value is.

use annunciator_monitor::{machine::MetricView, thresholds::Level};
use annunciator_web::page::{plain, text};
use maud::{Markup, html};

/// How much more than its highest number a meter has room for.
const ROOM: f64 = 1.25;

/// Returns the section of a host's metrics; nothing if it has sent none.
pub(super) fn metric_table(metrics: &[MetricView]) -> Markup {
    html! {
        @if !metrics.is_empty() {
            h2 #metrics { "Metrics" }
            table {
                thead { tr { th { "Metric" } th { "Value" } th { "Thresholds" } } }
                tbody {
                    @for metric in metrics {
                        tr {
                            td { (text(&metric.path)) }
                            td data-label="Value" { (metric.shown()) " " (level(metric)) " " (meter(metric)) }
                            td data-label="Thresholds" { (metric.thresholds()) }
                        }
                    }
                }
            }
        }
    }
}

fn level(metric: &MetricView) -> Markup {
    let class = match metric.level {
        // A value without thresholds is neither good nor bad.
        Level::Ok if metric.thresholds().is_empty() => return html! {},
        Level::Ok => "ok",
        Level::Warning => "warn",
        Level::Critical => "crit",
    };
    html! { span.pill.(class) { (metric.level) } }
}

/// Shows where a value is between its thresholds; nothing where no side of them is the bad one.
/// It says nothing that the texts beside it do not say.
fn meter(metric: &MetricView) -> Markup {
    let conditions = [metric.warning, metric.critical];
    let bounds = || conditions.iter().flatten().map(|one| one.bound());
    let looks_up = conditions.iter().flatten().all(|one| one.looks_up());
    let looks_down = conditions.iter().flatten().all(|one| one.looks_down());
    let least = bounds().chain([metric.value]).fold(f64::INFINITY, f64::min);
    let most = bounds().fold(metric.value, f64::max) * ROOM;
    let is_drawn = bounds().next().is_some() && (looks_up || looks_down);
    if !is_drawn || least < 0.0 || !most.is_normal() {
        return html! {};
    }
    let low = bounds().fold(f64::INFINITY, f64::min);
    let high = bounds().fold(0.0, f64::max);
    let best = if looks_up { 0.0 } else { most };
    html! {
        meter min="0" max=(most) low=(low) high=(high) optimum=(best) value=(metric.value)
            aria-label={ (plain(&metric.path)) " = " (metric.shown()) } {}
    }
}
