//! The way to the portal service, and the clock.

use certdesk_portal::LineStep;

use super::Judge;
use crate::doctor::finding::{FactName, Finding, FindingCode, Level};

/// More than this makes certificates look expired and logins look late.
const CLOCK_TOLERANCE: time::Duration = time::Duration::minutes(5);

impl Judge<'_> {
    pub(super) fn service(&mut self) {
        let Some(seen) = &self.sight.service else { return };
        let line = match &seen.line {
            Ok(line) => line,
            Err(failure) => {
                let cause = failure.detail.clone();
                return self.find(FindingCode::ServiceUnset, Level::Problem, |finding| {
                    finding.fact(FactName::Address, &seen.address).known(FactName::Cause, cause)
                });
            }
        };
        let tell = |finding: Finding| {
            finding.fact(FactName::Address, &seen.address).known(FactName::Proxy, line.proxy.as_ref())
        };
        match &line.answer {
            Ok(time) => self.find(FindingCode::ServiceAnswers, Level::Good, |finding| {
                tell(finding).fact(FactName::Milliseconds, time.as_millis())
            }),
            Err((step, cause)) => {
                let (code, fact) = match step {
                    LineStep::Name => (FindingCode::ServiceName, FactName::Cause),
                    LineStep::Connect => (FindingCode::ServiceConnect, FactName::Cause),
                    LineStep::Proxy => (FindingCode::ServiceProxy, FactName::Cause),
                    LineStep::Script => (FindingCode::ServiceScript, FactName::Cause),
                    LineStep::Network => (FindingCode::ServiceNetworkLogin, FactName::Cause),
                    LineStep::Tls => (FindingCode::ServiceTls, FactName::Cause),
                    LineStep::Inspection => (FindingCode::ServiceReplaced, FactName::Issuer),
                    LineStep::Certificate => (FindingCode::ServiceUntrusted, FactName::Cause),
                    LineStep::Clock => (FindingCode::ClockWrong, FactName::Minutes),
                    LineStep::Answer => (FindingCode::ServiceAnswer, FactName::Cause),
                };
                self.find(code, Level::Problem, |finding| tell(finding).fact(fact, cause));
            }
        }
        match seen.skew {
            Some(skew) if skew.abs() > CLOCK_TOLERANCE => {
                let minutes = skew.whole_minutes();
                self.find(FindingCode::ClockWrong, Level::Problem, |finding| finding.fact(FactName::Minutes, minutes));
            }
            Some(_) => self.find(FindingCode::ClockRight, Level::Good, |finding| finding),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        ServiceSight, Sight,
        specimen::{codes, find},
    };
    use super::*;
    use certdesk_portal::Line;
    use std::time::Duration;

    #[test]
    fn the_step_that_fails_on_the_way_to_the_service_is_named() {
        let service = |answer, skew| Sight {
            service: Some(ServiceSight {
                address: "https://ca.example".into(),
                line: Ok(Line { proxy: None, answer }),
                skew,
            }),
            ..Sight::default()
        };
        let steps = [
            (LineStep::Name, FindingCode::ServiceName),
            (LineStep::Connect, FindingCode::ServiceConnect),
            (LineStep::Proxy, FindingCode::ServiceProxy),
            (LineStep::Script, FindingCode::ServiceScript),
            (LineStep::Tls, FindingCode::ServiceTls),
            (LineStep::Network, FindingCode::ServiceNetworkLogin),
            (LineStep::Certificate, FindingCode::ServiceUntrusted),
            (LineStep::Inspection, FindingCode::ServiceReplaced),
            (LineStep::Clock, FindingCode::ClockWrong),
            (LineStep::Answer, FindingCode::ServiceAnswer),
        ];
        for (step, code) in steps {
            assert_eq!(codes(&service(Err((step, "x".into())), None)), [code]);
        }
        let answered = |skew| service(Ok(Duration::from_millis(20)), Some(skew));
        find(&answered(time::Duration::seconds(-20)), FindingCode::ClockRight);
        find(&answered(time::Duration::hours(-8)), FindingCode::ClockWrong);
    }
}
