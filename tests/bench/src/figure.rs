//! A figure: ours, the peer's, and what the design promises of the two.

use std::time::Duration;

use serde_json::{Value, json};

/// What is promised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Limit {
    /// Ours is at most so many times the peer's.
    TimesAtMost(f64),
    /// Ours is at least so many times the peer's.
    TimesAtLeast(f64),
    /// Ours is at most so much more than the peer's.
    MoreByAtMost(f64),
    /// Ours is at most that; there is no peer.
    AtMost(f64),
}

/// One row.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    /// What is measured.
    pub(crate) name: &'static str,
    /// Our value.
    pub(crate) ours: f64,
    /// The peer's.
    pub(crate) peer: Option<f64>,
    /// Unit of all.
    pub(crate) unit: &'static str,
    /// The promise.
    pub(crate) limit: Limit,
}

impl Figure {
    /// Ours in relation to the peer's, as the limit has it.
    fn compared(&self) -> f64 {
        let peer = self.peer.unwrap_or_default();
        match self.limit {
            Limit::TimesAtMost(_) | Limit::TimesAtLeast(_) => self.ours / peer,
            Limit::MoreByAtMost(_) => self.ours - peer,
            Limit::AtMost(_) => self.ours,
        }
    }

    fn holds(&self) -> bool {
        match self.limit {
            Limit::TimesAtMost(most) | Limit::MoreByAtMost(most) | Limit::AtMost(most) => self.compared() <= most,
            Limit::TimesAtLeast(least) => self.compared() >= least,
        }
    }

    /// As the answer holds it.
    pub(crate) fn json(&self) -> Value {
        let unit = self.unit;
        let (compared, limit) = match self.limit {
            Limit::TimesAtMost(most) => (format!("{:.2} ×", self.compared()), format!("≤ {most} ×")),
            Limit::TimesAtLeast(least) => (format!("{:.2} ×", self.compared()), format!("≥ {least} ×")),
            Limit::MoreByAtMost(most) => (format!("{:+.2} {unit}", self.compared()), format!("≤ +{most} {unit}")),
            Limit::AtMost(most) => (String::from("–"), format!("≤ {most} {unit}")),
        };
        json!({
            "figure": self.name, "ours": rounded(self.ours), "peer": self.peer.map(rounded), "unit": unit,
            "compared": compared, "limit": limit, "holds": self.holds(),
        })
    }
}

/// The middle of what was measured.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Milliseconds.
pub(crate) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(ours: f64, peer: f64, limit: Limit) -> Figure {
        Figure { name: "x", ours, peer: Some(peer), unit: "ms", limit }
    }

    #[test]
    fn each_limit_judges_its_own_way() {
        assert!(figure(125.0, 100.0, Limit::TimesAtMost(1.25)).holds(), "1.25 times is within 1.25 times");
        assert!(!figure(126.0, 100.0, Limit::TimesAtMost(1.25)).holds(), "1.26 times is over 1.25 times");
        assert!(!figure(79.0, 100.0, Limit::TimesAtLeast(0.8)).holds(), "0.79 times is under 0.8 times");
        assert!(figure(31.0, 1.0, Limit::MoreByAtMost(30.0)).holds(), "30 ms more is within 30 ms more");
        assert!(!figure(61.0, 0.0, Limit::AtMost(60.0)).holds(), "61 is over 60");
    }

    #[test]
    fn the_median_does_not_mind_one_slow_run() {
        assert_eq!(median(vec![900.0, 1.0, 2.0]), 2.0);
    }
}
