//! One case: its business, its state, who acts next, and which act leads where.

use serde::{Deserialize, Serialize};

/// 业务. `Unlock` 解锁 gets its place here when the service offers it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Business {
    /// 新办
    New,
    /// 变更
    Change,
    /// 续订
    Renew,
    /// 注销
    Revoke,
    /// 补办: a new certificate after a key was lost or broken
    Replace,
}

impl Business {
    /// All, in the order to show them.
    pub const ALL: [Self; 5] = [Self::New, Self::Change, Self::Renew, Self::Revoke, Self::Replace];

    /// Whether a case of this business is about a certificate that is there already.
    pub fn needs_certificate(self) -> bool {
        matches!(self, Self::Change | Self::Renew | Self::Revoke)
    }

    /// Whether such a case ends with a new certificate on a key.
    pub fn issues(self) -> bool {
        self != Self::Revoke
    }

    /// Its name on the wire and in the tag of a signed act.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Change => "change",
            Self::Renew => "renew",
            Self::Revoke => "revoke",
            Self::Replace => "replace",
        }
    }
}

/// State of an application (design §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// 草稿
    Draft,
    /// 已提交
    Submitted,
    /// 审核中
    InReview,
    /// 退回补正
    NeedsCorrection,
    /// 审核通过
    Approved,
    /// 待制证
    AwaitingIssuance,
    /// 已完成
    Completed,
    /// 已驳回
    Rejected,
    /// 已撤回
    Withdrawn,
}

/// Who has to act for the case to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NextActor {
    /// The applicant, in this program.
    Applicant,
    /// The certificate authority.
    Service,
    /// Nobody: the case has ended.
    Nobody,
}

/// What can be done to a case. Each act is refused in every state that [`State::after`] does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// The applicant hands the case in, the first time or after a correction.
    Submit,
    /// The applicant takes the case back.
    Withdraw,
    /// A reviewer opens the case.
    StartReview,
    /// A reviewer sends the case back with remarks.
    Return,
    /// A reviewer refuses the case, with a reason.
    Reject,
    /// A reviewer accepts the case.
    Approve,
    /// The service has prepared issuance: the applicant may now make the key and fetch the certificate.
    PrepareIssuance,
    /// The certificate is on the key and has proven itself by a signature.
    ConfirmInstallation,
    /// The service has done what was asked for, and nothing is left to do: a certificate is revoked.
    CarryOut,
    /// The service ends the case, because the certificate that it is about was revoked or its key reported lost.
    Lapse,
}

impl State {
    /// The state after `act`, or `None` where the act is not allowed.
    pub fn after(self, act: Act) -> Option<Self> {
        use Act::*;
        use State::*;
        match (self, act) {
            (Draft | NeedsCorrection, Submit) => Some(Submitted),
            (Draft | Submitted | NeedsCorrection, Withdraw) => Some(Withdrawn),
            (Submitted, StartReview) => Some(InReview),
            (Submitted | InReview, Return) => Some(NeedsCorrection),
            (Submitted | InReview, Reject) => Some(Rejected),
            (Submitted | InReview, Approve) => Some(Approved),
            (Approved, PrepareIssuance) => Some(AwaitingIssuance),
            (AwaitingIssuance, ConfirmInstallation) | (Approved, CarryOut) => Some(Completed),
            (open, Lapse) if !open.is_final() => Some(Rejected),
            _ => None,
        }
    }

    /// Who acts next in this state.
    pub fn next_actor(self) -> NextActor {
        match self {
            Self::Draft | Self::NeedsCorrection | Self::AwaitingIssuance => NextActor::Applicant,
            Self::Submitted | Self::InReview | Self::Approved => NextActor::Service,
            Self::Completed | Self::Rejected | Self::Withdrawn => NextActor::Nobody,
        }
    }

    /// Whether the case has come to its end.
    pub fn is_final(self) -> bool {
        self.next_actor() == NextActor::Nobody
    }

    /// Whether the applicant may still change what the case says.
    pub fn is_editable(self) -> bool {
        matches!(self, Self::Draft | Self::NeedsCorrection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [State; 9] = [
        State::Draft,
        State::Submitted,
        State::InReview,
        State::NeedsCorrection,
        State::Approved,
        State::AwaitingIssuance,
        State::Completed,
        State::Rejected,
        State::Withdrawn,
    ];
    const ACTS: [Act; 10] = [
        Act::Submit,
        Act::Withdraw,
        Act::StartReview,
        Act::Return,
        Act::Reject,
        Act::Approve,
        Act::PrepareIssuance,
        Act::ConfirmInstallation,
        Act::CarryOut,
        Act::Lapse,
    ];

    #[test]
    fn an_ended_case_allows_no_act() {
        for state in STATES.into_iter().filter(|s| s.is_final()) {
            for act in ACTS {
                assert_eq!(state.after(act), None, "{state:?} has ended, so {act:?} must be refused");
            }
        }
    }

    #[test]
    fn every_open_state_has_a_way_on() {
        for state in STATES.into_iter().filter(|s| !s.is_final()) {
            assert!(
                ACTS.iter().any(|&a| a != Act::Lapse && state.after(a).is_some()),
                "{state:?} is open but nothing can be done with it"
            );
        }
    }

    #[test]
    fn a_returned_case_is_submitted_again() {
        let returned = State::InReview.after(Act::Return).expect("a reviewer may return a case in review");
        assert_eq!(returned.next_actor(), NextActor::Applicant, "a returned case waits for the applicant");
        assert_eq!(returned.after(Act::Submit), Some(State::Submitted), "the same case is handed in again");
    }

    #[test]
    fn only_awaiting_issuance_can_be_completed() {
        for state in STATES {
            let done = state.after(Act::ConfirmInstallation);
            assert_eq!(done.is_some(), state == State::AwaitingIssuance, "completing from {state:?}");
        }
    }

    #[test]
    fn nothing_is_carried_out_before_it_is_approved() {
        for state in STATES {
            assert_eq!(state.after(Act::CarryOut).is_some(), state == State::Approved, "carrying out from {state:?}");
        }
    }
}
