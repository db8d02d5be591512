//! The page of one case: what was handed in beside what is registered, the files beside what they prove, and the
//! decision.
//!
//! Without a script: which decision is chosen is told by a radio button, and the style shows its form; the boxes for
//! remarks stand beside what they are about and belong to the form of the decision by their `form` attribute.

use axum::response::Response;
use certdesk_contract::{
    Problem,
    account::Circumstance,
    application::{Application, AttachmentRecord, LegalAct, Remark, RemarkTarget, Review, Submission},
    catalogue::{Offer, Requirement},
    certificate::CertificateStatus,
};
use certdesk_domain::{
    FileKind, IdKind, RequirementId, State, Timestamp,
    form::{Handler, Registration},
    mask, region,
};
use certdesk_pki::Certificate;
use maud::{Markup, html};
use rusqlite::Connection;

use super::{
    PATH,
    door::{Form, Page},
    files, page as respond,
    pages::{audit_table, frame, is_urgent, seen, state_badge, status},
    words::{Lang, day, minute, size},
};
use crate::{
    failure::Outcome,
    portal::Portal,
    review::FirstDecision,
    staff::{AtDesk, Role},
    store::{
        self,
        applications::{self, Case},
        audit::AuditRow,
        queue,
    },
    verdicts,
};

/// The form that remarks belong to.
const RETURN_FORM: &str = "return-form";
/// How a form names a remark: this, and what it is about.
const REMARK: &str = "remark:";
/// Longest remark or reason, characters.
const LONGEST_TEXT: &str = "500";

/// A case as the desk shows it.
pub(super) struct CaseView {
    application: Application,
    account: String,
    registration: Registration,
    offer: Option<Offer>,
    before: Option<Submission>,
    certificates: Vec<(Certificate, CertificateStatus)>,
    circumstance: Option<Circumstance>,
    kinds: Vec<Option<FileKind>>,
    audit: Vec<AuditRow>,
    first: Option<FirstDecision>,
    /// Name for people of who gave it.
    first_by: String,
    takes_two: bool,
    others: Vec<(String, Timestamp)>,
    revealed: bool,
}

impl CaseView {
    pub(super) fn read(
        portal: &Portal,
        db: &Connection,
        case: Case,
        at_desk: &AtDesk,
        revealed: bool,
    ) -> Outcome<Self> {
        let now = portal.now();
        let account = store::accounts::by_id(db, case.account)?;
        let (id, circumstance) = (case.id, case.circumstance);
        let (first, takes_two) = (verdicts::first(db, &case)?, verdicts::takes_two(db, &case)?);
        let first_by = match &first {
            Some(first) => store::staff::by_name(db, &first.actor)?.map_or(first.actor.clone(), |m| m.display_name),
            None => String::new(),
        };
        let others = verdicts::others(db, at_desk.member.id, now)?.into_iter();
        let others = others.filter(|(at, ..)| *at == id).map(|(_, name, at)| (name, at)).collect();
        let application = applications::view(db, case)?;
        let mut rows = store::certificates::of_application(db, id)?;
        if let Some(serial) = &application.particulars.certificate {
            rows.extend(store::certificates::by_serial(db, serial)?);
        }
        let read = |row: &store::certificates::CertificateRow| {
            Ok((Certificate::parse(&row.der).map_err(anyhow::Error::new)?, row.record(None, now).status))
        };
        Ok(Self {
            offer: portal.catalogue.offer(application.business, account.registration.kind).cloned(),
            before: queue::submission_before(db, id)?,
            certificates: rows.iter().map(read).collect::<Outcome<_>>()?,
            circumstance,
            kinds: application.attachments.iter().map(|file| files::kind(&portal.files.path(file.upload))).collect(),
            audit: store::audit::of_application(db, id)?,
            account: account.name,
            registration: account.registration,
            application,
            first_by,
            first,
            takes_two,
            others,
            revealed,
        })
    }

    fn path(&self) -> String {
        format!("{PATH}/cases/{}", self.application.id)
    }

    /// Whether there are files, or should be.
    fn has_files(&self) -> bool {
        let asked = self.offer.as_ref().is_some_and(|offer| !offer.requirements.is_empty());
        asked || !self.application.attachments.is_empty()
    }

    fn is_open(&self) -> bool {
        matches!(self.application.state, State::Submitted | State::InReview)
    }

    /// What a value of a field looks like on the page.
    fn shown(&self, l: Lang, field: &str, value: &str) -> String {
        match field.rsplit('.').next().unwrap_or_default() {
            "id_kind" => IdKind::from_name(value).map_or_else(|| seen(value), |kind| l.id_kind(kind).to_owned()),
            "region" => seen(&region::line(value).unwrap_or_else(|| value.to_owned())),
            _ if self.revealed => seen(value),
            "id_number" => seen(&mask::id_number(value)),
            "phone" => seen(&mask::phone(value)),
            "email" => seen(&mask_mail(value)),
            "detail" => seen(&mask_address(value)),
            _ => seen(value),
        }
    }

    /// The value of a field as this case has it: of the handler, else of the registration with what it changes.
    fn value(&self, field: &str) -> Option<String> {
        let of_handler = self.application.handler.as_ref().and_then(|handler| handler.get(field));
        let changed = self.registration.with(&self.application.particulars.changes);
        of_handler.or_else(|| changed.get(field)).filter(|value| !value.is_empty())
    }
}

/// What was typed into the decision's forms.
#[derive(Default)]
pub(super) struct Draft {
    decision: String,
    reason: String,
    remarks: Vec<(String, String)>,
}

impl Draft {
    pub(super) fn of(form: &Form) -> Self {
        let remarks = form
            .fields()
            .filter_map(|(name, text)| Some((name.strip_prefix(REMARK)?.to_owned(), text.replace("\r\n", "\n"))));
        Self {
            decision: form.get("decision").to_owned(),
            reason: form.get("reason").replace("\r\n", "\n"),
            remarks: remarks.filter(|(_, text)| !text.trim().is_empty()).collect(),
        }
    }

    /// The decision, or nothing where there is none.
    pub(super) fn review(&self) -> Option<Review> {
        let target = |name: &str| match name.split_once(':') {
            None if name == "case" => Some(RemarkTarget::Case),
            Some(("field", name)) => Some(RemarkTarget::Field(name.to_owned())),
            Some(("files", name)) => Some(RemarkTarget::Files(RequirementId(name.to_owned()))),
            _ => None,
        };
        match self.decision.as_str() {
            "approve" => Some(Review::Approve),
            "reject" => Some(Review::Reject { reason: self.reason.trim().to_owned() }),
            "return" => {
                let remark = |(name, text): &(String, String)| {
                    Some(Remark { target: target(name)?, text: text.trim().to_owned() })
                };
                Some(Review::Return { remarks: self.remarks.iter().map(remark).collect::<Option<_>>()? })
            }
            _ => None,
        }
    }

    fn remark(&self, name: &str) -> &str {
        self.remarks.iter().find(|(key, _)| key == name).map_or("", |(_, text)| text)
    }
}

/// The page. `problem` tells why the last decision was refused.
pub(super) fn page(at: &Page, view: &CaseView, draft: &Draft, problem: Option<&Problem>) -> Response {
    let l = at.lang;
    let case = &view.application;
    let decides = view.is_open() && at.at_desk.member.role == Role::Reviewer;
    let number = case.number.as_deref().unwrap_or_default();
    let content = html! {
        div.heading {
            div.row {
                h1 { (applicant(view)) }
                (state_badge(l, case.state))
                @if is_urgent(case.business, case.state) { span.tag.bad { (l.t("紧急", "Urgent")) } }
                @if let Some(circumstance) = view.circumstance { span.tag.bad { (l.circumstance(circumstance)) } }
            }
            p.lead {
                span.number { (number) } " · " (l.business(case.business)) " · " (l.account_kind(view.registration.kind))
                " · " (l.t("账号 ", "account ")) (view.account)
                @if case.submissions > 1 { " · " (l.t(format!("第 {} 次提交", case.submissions), format!("handed in {} times", case.submissions))) }
            }
            div.row.push { (reveal(at, view)) a.button href=(PATH) { (l.t("返回列表", "Back to the queue")) } }
        }
        (banners(l, at, view, problem))
        div.desk.decides[decides] {
            div.columns {
                div.column {
                    (fields(l, view, draft, decides))
                    @if view.has_files() { (story(l, view)) }
                }
                @if view.has_files() {
                    section.column.files aria-labelledby="files" tabindex="0" {
                        h2 #files { (l.t("电子文件", "Files")) }
                        (attachments(l, view, draft, decides))
                    }
                } @else {
                    div.column { (registration(l, view)) (story(l, view)) }
                }
            }
            @if decides { (decision(at, view, draft)) }
        }
        details.card.audit-of-case {
            summary { (l.t(format!("本案审计记录（{} 条）", view.audit.len()), format!("Audit log of this case ({} rows)", view.audit.len()))) }
            div.table { (audit_table(l, &view.audit)) }
        }
    };
    let title = format!("{number} {}", l.business(case.business));
    respond(status(problem), frame(&at.visitor, Some(&at.at_desk), &at.form_token(), &title, &content))
}

/// Who applies; a person's name is their own.
fn applicant(view: &CaseView) -> String {
    let unit = view.registration.organisation.as_ref();
    seen(unit.map_or(view.registration.contact.name.as_str(), |unit| &unit.name))
}

fn reveal(at: &Page, view: &CaseView) -> Markup {
    let l = at.lang;
    html! {
        form method="post" action=(format!("{}/reveal", view.path())) {
            input type="hidden" name="token" value=(at.form_token());
            @if view.revealed {
                button name="show" value="masked" { (l.t("隐藏个人信息", "Hide personal data")) }
            } @else {
                button name="show" value="all" title=(l.t("会记入审计日志", "This is logged")) { (l.t("显示完整个人信息", "Show personal data")) }
            }
        }
    }
}

fn banners(l: Lang, at: &Page, view: &CaseView, problem: Option<&Problem>) -> Markup {
    let mine = view.first.as_ref().is_some_and(|first| first.actor == at.at_desk.member.name);
    html! {
        @if let Some(problem) = problem {
            @let (title, hint) = l.problem(problem.code);
            div.notice.bad role="alert" { strong { (title) } p { (hint) } }
        }
        @if is_urgent(view.application.business, view.application.state) {
            div.notice.bad {
                strong { (l.t("请优先办理。", "Please decide this first.")) } " "
                (l.t("在作出决定之前，这张证书仍被视为有效。", "Until it is decided, the certificate passes for valid."))
            }
        }
        @for (name, since) in &view.others {
            div.notice.warn { (l.t(
                format!("{} 也在查看本案（最近 {}）。作决定前请先沟通。", seen(name), minute(*since)),
                format!("{} is looking at this case too (last seen {}). Talk to each other before you decide.", seen(name), minute(*since)),
            )) }
        }
        @if let Some(first) = &view.first {
            div.notice.warn {
                @if mine {
                    strong { (l.t(
                        format!("您已作出第一次决定：{}。", l.decision(&first.review)),
                        format!("You gave the first decision: {}.", l.decision(&first.review)),
                    )) } " "
                    (l.t("须由另一位审核员作出相同决定后才生效，您本人不能复核。", "It takes effect when another member of staff decides the same; you cannot be the second."))
                } @else {
                    strong { (l.t(
                        format!("{} 已作出第一次决定：{}（{}）。", seen(&view.first_by), l.decision(&first.review), minute(first.at)),
                        format!("{} gave the first decision: {} ({}).", seen(&view.first_by), l.decision(&first.review), minute(first.at)),
                    )) } " "
                    (l.t("请独立核对；您作出相同决定后生效。", "Check for yourself; it takes effect when you decide the same."))
                }
                @if let Review::Reject { reason } = &first.review {
                    p.quote { (seen(reason)) }
                }
            }
        }
    }
}

fn fields(l: Lang, view: &CaseView, draft: &Draft, decides: bool) -> Markup {
    let case = &view.application;
    html! {
        @if case.particulars.certificate.is_some() || !view.certificates.is_empty() {
            section.card {
                h2 { (l.t("所涉证书", "Certificate")) }
                @for (certificate, state) in &view.certificates { (certificate_facts(l, certificate, *state)) }
            }
        }
        @if !case.particulars.changes.is_empty() {
            section.card {
                h2 { (l.t("变更内容", "What changes")) }
                table.fields {
                    thead { tr { th scope="col" { (l.t("项目", "Field")) } th scope="col" { (l.t("原内容", "Old")) } th scope="col" { (l.t("新内容", "New")) } } }
                    tbody {
                        @for (field, new) in &case.particulars.changes {
                            @let old = view.registration.get(field).unwrap_or_default();
                            @let target = format!("change.{field}");
                            tr {
                                th scope="row" { (l.field(field)) }
                                td.old { del { (view.shown(l, field, &old)) } }
                                td.new { ins { (view.shown(l, field, new)) } }
                            }
                            (remark_rows(l, view, draft, decides, &target, l.field(field)))
                        }
                    }
                }
            }
        }
        @if let Some(reason) = case.particulars.reason {
            section.card {
                h2 { (l.t("注销原因", "Why it is to be revoked")) }
                p { (l.reason(reason)) @if let Some(circumstance) = view.circumstance { " · " (l.circumstance(circumstance)) } }
                @if decides { div.remark { (remark_box(l, draft, "field:reason", l.t("注销原因", "Why it is to be revoked"))) } }
            }
        }
        @if let Some(handler) = &case.handler {
            section.card {
                h2 { (l.t("经办人信息", "Handler")) }
                table.fields {
                    thead { tr { th scope="col" { (l.t("项目", "Field")) } th scope="col" { (l.t("本次提交", "Handed in")) } th scope="col" { (l.t("账号登记", "Registered")) } } }
                    tbody {
                        @for field in Handler::FIELDS { (field_row(l, view, draft, decides, handler, field)) }
                    }
                }
            }
        }
        @if view.has_files() { (registration(l, view)) }
    }
}

fn registration(l: Lang, view: &CaseView) -> Markup {
    html! {
        section.card {
            h2 { (l.t("账号登记信息", "Registration")) }
            dl.facts {
                dt { (l.t("账号类型", "Kind of account")) } dd { (l.account_kind(view.registration.kind)) }
                @if let Some(unit) = &view.registration.organisation {
                    dt { (l.field("organisation.name")) } dd { (seen(&unit.name)) }
                    dt { (l.field("credit_code")) } dd.mono { (seen(&unit.credit_code)) }
                    dt { (l.t("法定代表人", "Legal representative")) }
                    dd { (person(l, view, &unit.legal_representative)) }
                }
                dt { (if view.registration.organisation.is_some() { l.t("联系人", "Contact") } else { l.t("申请人", "Applicant") }) }
                dd { (person(l, view, &view.registration.contact)) }
                @if let Some(subject) = &view.application.certificate_subject {
                    dt { (l.t("证书名称", "Name in the certificate")) } dd { (seen(subject)) }
                }
            }
        }
    }
}

fn person(l: Lang, view: &CaseView, person: &certdesk_domain::form::Person) -> Markup {
    html! { (seen(&person.name)) " · " (l.id_kind(person.id_kind)) " " span.mono { (view.shown(l, "id_number", &person.id_number)) } }
}

fn certificate_facts(l: Lang, certificate: &Certificate, state: CertificateStatus) -> Markup {
    let (word, tone) = match state {
        CertificateStatus::Issued => (l.t("已签发，未装入", "issued, not installed"), "tag warn"),
        CertificateStatus::Active => (l.t("有效", "in force"), "tag good"),
        CertificateStatus::Expired => (l.t("已过期", "expired"), "tag"),
        CertificateStatus::Revoked => (l.t("已注销", "revoked"), "tag bad"),
    };
    html! {
        dl.facts {
            dt { (l.t("持有者", "Holder")) } dd { (seen(&certificate.holder)) " " span class=(tone) { (word) } }
            dt { (l.t("序列号", "Serial number")) } dd.mono { (certificate.serial) }
            dt { (l.t("有效期", "Valid")) } dd { (day(certificate.not_before)) " – " (day(certificate.not_after)) }
            dt { (l.t("密钥", "Key")) } dd { (certificate.key_algorithm) }
        }
    }
}

fn field_row(l: Lang, view: &CaseView, draft: &Draft, decides: bool, handler: &Handler, field: &str) -> Markup {
    let value = handler.get(field).unwrap_or_default();
    let registered = registered(&view.registration, field);
    let before = view.before.as_ref().and_then(|before| before.handler.get(field)).filter(|before| *before != value);
    html! {
        tr {
            th scope="row" { (l.field(field)) }
            td {
                span.value.mono[is_code(field)] { (view.shown(l, field, &value)) }
                @if let Some(before) = &before {
                    div.was { (l.t("上次提交：", "Before: ")) del { (view.shown(l, field, before)) } }
                }
            }
            td {
                @match &registered {
                    Some(registered) if *registered == value => { span.same { "✓ " (l.t("一致", "the same")) } },
                    Some(registered) if !registered.is_empty() => {
                        span.differs { span.mono[is_code(field)] { (view.shown(l, field, registered)) } " " span.tag.warn { (l.t("不同", "differs")) } }
                    },
                    _ => { span.soft { "—" } },
                }
            }
        }
        (remark_rows(l, view, draft, decides, field, l.field(field)))
    }
}

/// What was remarked on a field, and the box to remark on it now.
fn remark_rows(l: Lang, view: &CaseView, draft: &Draft, decides: bool, field: &str, about: &str) -> Markup {
    html! {
        @if let Some(text) = open_remark(view, &RemarkTarget::Field(field.to_owned())) {
            tr.remarked { td colspan="3" { (l.t("已写明的意见：", "Remark: ")) (seen(text)) } }
        }
        @if decides { tr.remark { td colspan="3" { (remark_box(l, draft, &format!("field:{field}"), about)) } } }
    }
}

/// What is registered for a field of the handler, where there is such a thing.
fn registered(registration: &Registration, field: &str) -> Option<String> {
    let unit = registration.organisation.as_ref();
    match field {
        "credit_code" => unit.map(|unit| unit.credit_code.clone()),
        "address.region" => Some(registration.address.region.clone()),
        "address.detail" => Some(registration.address.detail.clone()),
        "phone" => Some(registration.phone.clone()),
        "email" => Some(registration.email.clone()),
        other => registration.get(&other.replace("person.", "contact.")),
    }
}

fn is_code(field: &str) -> bool {
    matches!(field, "credit_code" | "person.id_number" | "phone" | "email")
}

fn open_remark<'a>(view: &'a CaseView, target: &RemarkTarget) -> Option<&'a str> {
    view.application.remarks.iter().find(|remark| remark.target == *target).map(|remark| remark.text.as_str())
}

fn remark_box(l: Lang, draft: &Draft, name: &str, about: &str) -> Markup {
    html! {
        label.remark-box {
            span { (l.t(format!("对“{about}”的意见"), format!("Remark on “{about}”"))) }
            textarea form=(RETURN_FORM) name=(format!("{REMARK}{name}")) rows="2" maxlength=(LONGEST_TEXT)
                placeholder=(l.t("没有问题就留空", "Leave empty where nothing is wrong")) { (draft.remark(name)) }
        }
    }
}

fn attachments(l: Lang, view: &CaseView, draft: &Draft, decides: bool) -> Markup {
    let case = &view.application;
    let asked = view.offer.as_ref().map(|offer| offer.requirements.as_slice()).unwrap_or_default();
    let known =
        |file: &&(usize, &AttachmentRecord)| asked.iter().any(|requirement| requirement.id == file.1.requirement);
    let all: Vec<_> = case.attachments.iter().enumerate().collect();
    html! {
        @for requirement in asked {
            @let files: Vec<_> = all.iter().filter(|(_, file)| file.requirement == requirement.id).collect();
            section.card.requirement {
                div.row {
                    h3 { (l.text(&requirement.title)) }
                    @if files.is_empty() {
                        span.tag { (if requirement.min_count == 0 { l.t("选交，未提交", "optional, not handed in") } else { l.t("未提交", "not handed in") }) }
                    }
                }
                @for (place, file) in files { (figure(l, view, *place, file)) }
                (proves(l, view, requirement))
                @if let Some(text) = open_remark(view, &RemarkTarget::Files(requirement.id.clone())) {
                    p.remarked { (l.t("已写明的意见：", "Remark: ")) (seen(text)) }
                }
                @if decides { div.remark { (remark_box(l, draft, &format!("files:{}", requirement.id.0), l.text(&requirement.title))) } }
            }
        }
        @for (place, file) in all.iter().filter(|file| !known(file)) {
            section.card.requirement { h3 { (file.requirement.0) } (figure(l, view, *place, file)) }
        }
    }
}

/// The values that a file is to prove, to compare without looking away.
fn proves(l: Lang, view: &CaseView, requirement: &Requirement) -> Markup {
    let values: Vec<_> = requirement.proves.iter().filter_map(|field| Some((field, view.value(field)?))).collect();
    html! {
        @if !values.is_empty() {
            dl.facts.proves aria-label=(l.t("请核对", "To compare")) {
                @for (field, value) in &values {
                    dt { (l.field(field)) } dd { (view.shown(l, field, value)) }
                }
            }
        }
    }
}

fn figure(l: Lang, view: &CaseView, place: usize, file: &AttachmentRecord) -> Markup {
    let kind = view.kinds.get(place).copied().flatten();
    let path = format!("{}/files/{}", view.path(), file.upload);
    let name = seen(&file.file_name);
    html! {
        figure {
            @match kind {
                Some(FileKind::Jpeg | FileKind::Png) => {
                    a.picture href=(path) target="_blank" rel="noopener" title=(l.t("在新窗口看原图", "See it whole in a new window")) {
                        img src=(path) alt=(name) loading="lazy";
                    }
                },
                Some(FileKind::Mp4 | FileKind::Webm) => {
                    video controls preload="metadata" src=(path) aria-label=(name) {}
                },
                Some(FileKind::Pdf) => { iframe src=(format!("{path}#view=FitH&toolbar=0")) title=(name) loading="lazy" {} },
                None => { p.notice.warn { (l.t("这个文件的类型无法识别，只能下载。", "The kind of this file is not known; it can only be downloaded.")) } },
            }
            @if let Some(signer) = &file.signed_by {
                p.signed { "✓ " (l.t(
                    format!("已由认证锁签名：{}（证书 {}）。签名已核验，内容未被改动。", seen(&signer.holder), signer.serial),
                    format!("Signed by the key of {} (certificate {}). The signature was checked; nothing was changed since.", seen(&signer.holder), signer.serial),
                )) }
            }
            figcaption {
                span.name { (name) }
                span.soft { (size(file.bytes)) " · " span.mono title=(format!("SHA-256 {}", file.sha256)) { (file.sha256.get(..12).unwrap_or_default()) "…" } }
                @if let Some(signer) = &file.signed_by {
                    span.tag.good title=(format!("{} {}", l.t("证书序列号", "certificate"), signer.serial)) {
                        (l.t("认证锁签名：", "signed by the key of ")) (seen(&signer.holder))
                    }
                }
                span.push {
                    @if kind.is_some() { a href=(path) target="_blank" rel="noopener" { (l.t("新窗口打开", "Open")) } }
                    a href=(format!("{path}?download=1")) { (l.t("下载", "Download")) }
                }
            }
        }
    }
}

fn story(l: Lang, view: &CaseView) -> Markup {
    html! {
        section.card {
            h2 { (l.t("办理经过", "What happened")) }
            ol.story {
                @for entry in &view.application.history {
                    li { span.time { (minute(entry.at)) } span { (l.state(entry.state)) }
                        @if let Some(note) = &entry.note { p.quote { (seen(note)) } } }
                }
            }
            @if !view.application.receipts.is_empty() {
                h3 { (l.t("申请人签署", "Signed by the applicant")) }
                ol.story {
                    @for receipt in &view.application.receipts {
                        li { span.time { (minute(receipt.at)) }
                            span { (match receipt.act { LegalAct::Submit => l.t("提交", "handed in"), LegalAct::Withdraw => l.t("撤回", "withdrawn") }) }
                            @if receipt.signed_by_key { " " span.tag.good { (l.t("认证锁签名", "signed by key")) } }
                        }
                    }
                }
            }
        }
    }
}

fn decision(at: &Page, view: &CaseView, draft: &Draft) -> Markup {
    let l = at.lang;
    let action = format!("{}/decision", view.path());
    let hidden = |word: &str| {
        html! {
            input type="hidden" name="token" value=(at.form_token());
            input type="hidden" name="submission" value=(view.application.submissions);
            input type="hidden" name="decision" value=(word);
        }
    };
    let first = view.first.as_ref().filter(|first| first.actor != at.at_desk.member.name).map(|first| &first.review);
    let mine = view.first.as_ref().filter(|first| first.actor == at.at_desk.member.name).map(|first| &first.review);
    let reason = match (&draft.reason, first) {
        (reason, Some(Review::Reject { reason: given })) if reason.is_empty() => given,
        (reason, _) => reason,
    };
    // What the button does: settles the case, proposes it, or agrees with who proposed it.
    let name = |word: &str, zh: &'static str, en: &'static str| {
        let agrees = first.is_some_and(|first| verdicts::word(first) == word);
        match (view.takes_two && word != "return", agrees) {
            (false, _) => l.t(format!("确认{zh}"), format!("{en} the case")),
            (true, false) => l.t(format!("作出第一次决定：{zh}"), format!("First decision: {}", en.to_lowercase())),
            (true, true) => l.t(format!("复核决定：{zh}"), format!("Second decision: {}", en.to_lowercase())),
        }
    };
    html! {
        section.decision #decision aria-label=(l.t("作出决定", "Decide")) {
            div.row.choices {
                strong { (l.t("您的决定", "Your decision")) }
                @for (word, tone, name) in [("approve", "good", l.t("通过", "Approve")), ("return", "warn", l.t("退回补正", "Return")), ("reject", "bad", l.t("驳回", "Reject"))] {
                    label class=(format!("choice {tone}")) {
                        input type="radio" name="choice" id=(format!("choose-{word}")) checked[draft.decision == word] autocomplete="off";
                        (name)
                    }
                }
                span.hint { (l.t("核对完毕后选择一项。", "Choose when you have checked everything.")) }
            }
            form.approve method="post" action=(action) {
                (hidden("approve"))
                @if matches!(mine, Some(Review::Approve)) {
                    p { (l.t("您已作出第一次“通过”的决定，请由另一位审核员复核。", "You approved it first; another member of staff must be the second.")) }
                } @else {
                    label.tick { input type="checkbox" required; span { (l.t("我已逐项核对所填信息和所交文件。", "I have checked every field and every file.")) } }
                    button.main { (name("approve", "通过", "Approve")) }
                }
            }
            form.return id=(RETURN_FORM) method="post" action=(action) {
                (hidden("return"))
                p.fine { (l.t("在需要补正的项目和文件旁写明意见：申请人只能修改您写了意见的地方。", "Write remarks beside the fields and files: the applicant may change just what you remark on.")) }
                label { span { (l.t("整体意见（写了它，申请人可以修改全部内容）", "On the case as a whole (opens all of it)")) }
                    textarea name=(format!("{REMARK}case")) rows="2" maxlength=(LONGEST_TEXT) { (draft.remark("case")) } }
                button.main { (name("return", "退回补正", "Return")) }
            }
            form.reject method="post" action=(action) {
                (hidden("reject"))
                @if matches!(mine, Some(Review::Reject { .. })) {
                    p { (l.t("您已作出第一次“驳回”的决定，请由另一位审核员复核。", "You rejected it first; another member of staff must be the second.")) }
                } @else {
                    label { span { (l.t("驳回原因（申请人会看到）", "Why (the applicant reads it)")) }
                        textarea name="reason" rows="2" maxlength=(LONGEST_TEXT) required { (reason) } }
                    button.main.bad { (name("reject", "驳回", "Reject")) }
                }
            }
        }
    }
}

/// `w***@test.cn`
fn mask_mail(mail: &str) -> String {
    match mail.split_once('@') {
        Some((name, host)) => format!("{}***@{host}", name.chars().take(1).collect::<String>()),
        None => "***".to_owned(),
    }
}

/// Street without house: the first four characters.
fn mask_address(address: &str) -> String {
    let kept: String = address.chars().take(4).collect();
    if kept.len() == address.len() { kept } else { format!("{kept}****") }
}
