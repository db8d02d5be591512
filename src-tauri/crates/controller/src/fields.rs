//! What can be typed in a draft, by name: the handler's fields as they are, `change.<field>` of 变更, `reason` of 注销.
//! And the merge of what was typed on two computers. Pure.

use std::collections::{BTreeMap, BTreeSet};

use certdesk_contract::{application::DraftContent, catalogue::Offer};
use certdesk_domain::{
    RevocationReason,
    form::{FieldName, Handler, Registration},
};

/// What the name of a changed field begins with.
const CHANGE: &str = "change.";
/// Why a certificate is revoked.
const REASON: &str = "reason";

/// Every field the offer lets somebody type, in the order of the pages.
pub(crate) fn of_offer(offer: &Offer, registration: &Registration) -> Vec<FieldName> {
    let handler = Handler::FIELDS.iter().map(|&field| field.to_owned());
    let changes = changeable(offer, registration).map(|field| format!("{CHANGE}{field}"));
    let reason = (!offer.reasons.is_empty()).then(|| REASON.to_owned());
    handler.chain(changes).chain(reason).collect()
}

/// 变更: what may be changed here; a person has no unit's fields.
pub(crate) fn changeable<'a>(offer: &'a Offer, registration: &'a Registration) -> impl Iterator<Item = &'a FieldName> {
    offer.change_fields.iter().filter(|field| registration.get(field).is_some())
}

/// One field as it is kept; empty where there is nothing. `None`: there is no such field.
pub(crate) fn get(content: &DraftContent, field: &str) -> Option<String> {
    if let Some(changed) = field.strip_prefix(CHANGE) {
        return Some(content.particulars.changes.get(changed).cloned().unwrap_or_default());
    }
    if field == REASON {
        return Some(content.particulars.reason.map(word).unwrap_or_default());
    }
    content.handler.get(field)
}

/// Sets a field as it is kept. `false`: there is no such field, or it cannot have that value; nothing changed.
pub(crate) fn set(content: &mut DraftContent, field: &str, value: &str) -> bool {
    let particulars = &mut content.particulars;
    if let Some(changed) = field.strip_prefix(CHANGE) {
        if value.is_empty() {
            particulars.changes.remove(changed);
        } else {
            particulars.changes.insert(changed.to_owned(), value.to_owned());
        }
        return true;
    }
    if field == REASON {
        let reason = RevocationReason::ALL.iter().copied().find(|reason| word(*reason) == value);
        let fits = value.is_empty() || reason.is_some();
        if fits {
            particulars.reason = reason;
        }
        return fits;
    }
    content.handler.set(field, value)
}

/// Takes what somebody typed. What is changed into what it is already is no change.
pub(crate) fn type_in(content: &mut DraftContent, registration: &Registration, field: &str, value: &str) -> bool {
    let Some(changed) = field.strip_prefix(CHANGE) else { return set(content, field, value) };
    let mut tidy = registration.clone();
    if value.is_empty() {
        return set(content, field, "");
    }
    if !tidy.set(changed, value) {
        return false;
    }
    let (now, then) = (registration.get(changed), tidy.get(changed).unwrap_or_default());
    set(content, field, if now.as_deref() == Some(&then) { "" } else { &then })
}

/// What comes of two computers' work on one draft.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Merged {
    /// What stands in the draft here.
    pub(crate) content: DraftContent,
    /// Fields that say two things, with what the other computer says.
    pub(crate) conflicts: BTreeMap<FieldName, String>,
}

/// Merges field by field against what both had last. What one side changed is taken; what both changed differently stays
/// as typed here and is a conflict, as is whatever was one before and was not settled. Nothing typed is lost.
pub(crate) fn merge(
    base: &DraftContent,
    mine: &DraftContent,
    theirs: &DraftContent,
    before: &BTreeMap<FieldName, String>,
) -> Merged {
    let mut merged = Merged { content: mine.clone(), conflicts: BTreeMap::new() };
    for field in names([base, mine, theirs]) {
        let of = |content| get(content, &field).unwrap_or_default();
        let (was, here, there) = (of(base), of(mine), of(theirs));
        if here == there {
            continue;
        }
        let settled = !before.contains_key(&field);
        if here == was && settled {
            set(&mut merged.content, &field, &there);
        } else if there != was || !settled {
            merged.conflicts.insert(field, there);
        }
    }
    merged
}

/// What the service is told: as typed here, but where the other computer says something else, as it has it, until
/// somebody chose.
pub(crate) fn outgoing(content: &DraftContent, conflicts: &BTreeMap<FieldName, String>) -> DraftContent {
    let mut told = content.clone();
    for (field, theirs) in conflicts {
        set(&mut told, field, theirs);
    }
    told
}

fn names(contents: [&DraftContent; 3]) -> BTreeSet<FieldName> {
    let changes = contents.into_iter().flat_map(|content| content.particulars.changes.keys());
    let changes = changes.map(|field| format!("{CHANGE}{field}"));
    let plain = Handler::FIELDS.iter().copied().chain([REASON]).map(str::to_owned);
    changes.chain(plain).collect()
}

/// A reason's name on the wire.
fn word(reason: RevocationReason) -> String {
    serde_json::to_value(reason).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use certdesk_domain::{AccountKind, form::Organisation};
    use proptest::prelude::*;

    use super::*;

    const SOME: [&str; 6] =
        ["person.name", "phone", "address.detail", "change.organisation.name", "change.contact.name", "reason"];

    fn content(values: [&str; 6]) -> DraftContent {
        let mut content = DraftContent::default();
        for (field, value) in SOME.into_iter().zip(values) {
            assert!(set(&mut content, field, value), "{field} takes {value}");
        }
        content
    }

    fn unit() -> Registration {
        Registration {
            kind: AccountKind::Enterprise,
            organisation: Some(Organisation {
                name: "福州云帆测试科技有限公司".into(), ..Organisation::default()
            }),
            contact: Default::default(),
            phone: String::new(),
            email: String::new(),
            address: Default::default(),
        }
    }

    #[test]
    fn what_one_computer_changed_is_taken_and_what_both_changed_is_asked_about() {
        let base = content(["王䶮", "13800138000", "测试路 1 号", "", "", ""]);
        let mine = content(["王䶮", "13800138001", "测试路 2 号", "福州云帆", "", ""]);
        let theirs = content(["王䶮龙", "13800138000", "测试路 3 号", "福州云帆", "李测试", "superseded"]);
        let merged = merge(&base, &mine, &theirs, &BTreeMap::new());
        assert_eq!(
            merged.content,
            content(["王䶮龙", "13800138001", "测试路 2 号", "福州云帆", "李测试", "superseded"]),
            "each side's own changes are there, and the same change made twice is one"
        );
        assert_eq!(merged.conflicts, BTreeMap::from([("address.detail".to_owned(), "测试路 3 号".to_owned())]));
        let told = outgoing(&merged.content, &merged.conflicts);
        assert_eq!(told.handler.address.detail, "测试路 3 号", "what is not settled is not written over elsewhere");
    }

    #[test]
    fn a_change_into_what_it_is_already_is_none() {
        let mut content = DraftContent::default();
        let name = "change.organisation.name";
        assert!(type_in(&mut content, &unit(), name, "福州远航测试科技有限公司"));
        assert_eq!(get(&content, name).as_deref(), Some("福州远航测试科技有限公司"));
        assert!(type_in(&mut content, &unit(), name, "福州云帆测试科技有限公司"));
        assert_eq!(content, DraftContent::default(), "typing the old name takes the change back");
        assert!(!type_in(&mut content, &unit(), "change.phone", "13800138000"), "no certificate fixes a phone");
        assert!(!type_in(&mut content, &unit(), "reason", "because"), "only reasons of the list are reasons");
    }

    fn value() -> impl Strategy<Value = String> {
        prop::sample::select(vec!["", "甲", "乙", "丙"]).prop_map(str::to_owned)
    }

    fn any_content() -> impl Strategy<Value = DraftContent> {
        let reason = prop::sample::select(vec!["", "superseded", "key_compromise"]);
        (prop::collection::vec(value(), 5), reason).prop_map(|(values, reason)| {
            let mut content = DraftContent::default();
            for (field, value) in SOME.into_iter().zip(values.iter().map(String::as_str).chain([reason])) {
                // A phone is tidied on its way in; any text will do here.
                set(&mut content, field, value);
            }
            content
        })
    }

    proptest! {
        #[test]
        fn nothing_typed_on_either_computer_is_lost(
            base in any_content(), mine in any_content(), theirs in any_content(), open in any::<bool>(),
        ) {
            let before = if open { BTreeMap::from([("phone".to_owned(), get(&base, "phone").unwrap())]) } else { BTreeMap::new() };
            let merged = merge(&base, &mine, &theirs, &before);
            for field in SOME {
                let of = |content| get(content, field).unwrap();
                let (was, here, there, now) = (of(&base), of(&mine), of(&theirs), of(&merged.content));
                let kept = [Some(&now), merged.conflicts.get(field)];
                prop_assert!(here == was || kept.contains(&Some(&here)), "{field}: {here} of this computer is lost");
                prop_assert!(there == was || kept.contains(&Some(&there)), "{field}: {there} of the other is lost");
            }
            let again = merge(&theirs, &merged.content, &theirs, &merged.conflicts);
            prop_assert_eq!(&again.content, &merged.content, "merging what was merged changes nothing");
            prop_assert_eq!(&again.conflicts, &merged.conflicts, "and settles nothing by itself");
        }

        #[test]
        fn two_computers_that_tell_each_other_end_with_the_same(
            base in any_content(), one in any_content(), other in any_content(),
        ) {
            // The first tells the service; the second merges, settles for its own, and tells; the first merges.
            let second = merge(&base, &other, &one, &BTreeMap::new());
            let first = merge(&one, &one, &second.content, &BTreeMap::new());
            prop_assert!(first.conflicts.is_empty(), "nothing was typed meanwhile");
            prop_assert_eq!(first.content, second.content);
        }
    }
}
