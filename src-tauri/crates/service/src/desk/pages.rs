//! The pages but for a case's: frame, login, password, queue, audit log, and what went wrong.

use certdesk_contract::{Problem, ProblemCode};
use certdesk_domain::{Business, State, Timestamp, check::is_invisible, mask};
use http::StatusCode;
use maud::{DOCTYPE, Markup, html};
use url::form_urlencoded;
use uuid::Uuid;

use super::{
    AUDIT, ICON, LANGUAGE, LOGIN, LOGOUT, PASSWORD, PATH, STYLE, door,
    door::{Page, Visitor},
    page,
    words::{Lang, minute},
};
use crate::{
    ca::hex,
    failure::Failure,
    staff::{AtDesk, Role},
    store::{
        self,
        audit::AuditRow,
        queue::{Queued, Wanted},
    },
};
use axum::response::Response;

/// What an applicant wrote, as it is: nothing in it is invisible or turns the line around. The template escapes it.
pub(super) fn seen(text: &str) -> String {
    let shown = |c: char| if is_invisible(c) { c.escape_unicode().to_string() } else { c.to_string() };
    text.chars().map(shown).collect()
}

/// The frame of every page. `token` is what its forms carry.
pub(super) fn frame(visitor: &Visitor, at_desk: Option<&AtDesk>, token: &str, title: &str, content: &Markup) -> Markup {
    let l = visitor.lang;
    let other = l.t(Lang::En, Lang::Zh);
    html! {
        (DOCTYPE)
        html lang=(l.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · " (l.t("证办通审核台", "Certdesk review desk")) }
                link rel="stylesheet" href=(STYLE);
                link rel="icon" type="image/svg+xml" href=(ICON);
            }
            body {
                a.skip href="#content" { (l.t("跳到正文", "Skip to content")) }
                header.top {
                    a.brand href=(PATH) {
                        span.seal aria-hidden="true" { "审" }
                        span { (l.t("证办通审核台", "Certdesk review desk")) }
                    }
                    @if let Some(at_desk) = at_desk {
                        @if !at_desk.member.must_change {
                            nav aria-label=(l.t("主要栏目", "Main")) {
                                a href=(PATH) { (l.t("待审列表", "Queue")) }
                                @if at_desk.member.role == Role::Auditor {
                                    a href=(AUDIT) { (l.t("审计日志", "Audit log")) }
                                }
                            }
                        }
                    }
                    div.push {
                        @if let Some(at_desk) = at_desk {
                            span.who {
                                strong { (at_desk.member.display_name) }
                                @if at_desk.member.role == Role::Auditor { " · " (l.t("审计员", "auditor")) }
                            }
                            a.quiet href=(PASSWORD) { (l.t("修改密码", "Change password")) }
                        }
                        form method="post" action=(LANGUAGE) {
                            input type="hidden" name="token" value=(token);
                            input type="hidden" name="next" value=(visitor.at);
                            button.quiet name="lang" value=(other.word()) lang=(other.tag()) { (other.t("中文", "English")) }
                        }
                        @if at_desk.is_some() {
                            form method="post" action=(LOGOUT) {
                                input type="hidden" name="token" value=(token);
                                button.quiet { (l.t("退出登录", "Log out")) }
                            }
                        }
                    }
                }
                main #content tabindex="-1" { (content) }
            }
        }
    }
}

/// The login page; `problem` tells why the last try was refused.
pub(super) fn login(visitor: &Visitor, next: &str, name: &str, problem: Option<&Problem>) -> Response {
    let l = visitor.lang;
    let (token, cookie) = visitor.login_token();
    let why = problem.map(|problem| refused_login(l, problem));
    let content = html! {
        section.card.narrow {
            span.seal.large aria-hidden="true" { "审" }
            h1 { (l.t("登录审核台", "Log in to the review desk")) }
            p.lead { (l.t("供证书受理机构的工作人员使用。申请人请在证办通客户端中登录。", "For the authority's staff. Applicants log in with the Certdesk program.")) }
            @if let Some(why) = &why { p.notice.bad role="alert" { (why) } }
            form.stack method="post" action=(LOGIN) {
                input type="hidden" name="token" value=(token);
                input type="hidden" name="next" value=(next);
                label { span { (l.t("用户名", "User name")) }
                    input name="name" value=(name) autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="64" required autofocus[name.is_empty()]; }
                label { span { (l.t("密码", "Password")) }
                    input type="password" name="password" autocomplete="current-password" maxlength="256" required autofocus[!name.is_empty()]; }
                button.main { (l.t("登录", "Log in")) }
            }
            p.fine { (l.t("登录、查看和决定都会记入审计日志。30 分钟不操作会自动退出。忘记密码请找管理员重设。",
                "Logins, looks and decisions are logged. After 30 minutes without use you are logged out. Forgot the password? The administrator sets a new one.")) }
        }
    };
    let framed = frame(visitor, None, &token, l.t("登录", "Log in"), &content);
    let mut response = page(status(problem), framed);
    door::add_cookie(&mut response, cookie);
    response
}

fn refused_login(l: Lang, problem: &Problem) -> String {
    let wait = problem.retry_after.unwrap_or_default();
    let after = if wait >= 120 {
        l.t(format!("{} 分钟", wait.div_ceil(60)), format!("{} minutes", wait.div_ceil(60)))
    } else {
        l.t(format!("{wait} 秒"), format!("{wait} seconds"))
    };
    match (problem.code, wait) {
        (ProblemCode::AccountLocked, _) => l.t(
            format!("密码错误次数过多，已暂时锁定。请 {after}后再试。"),
            format!("Too many wrong passwords: locked for now. Try again after {after}."),
        ),
        (ProblemCode::WrongCredentials, 0) => {
            l.t("用户名或密码不正确。".to_owned(), "User name or password is wrong.".to_owned())
        }
        (ProblemCode::WrongCredentials, _) => l.t(
            format!("用户名或密码不正确。请 {after}后再试。"),
            format!("User name or password is wrong. Try again after {after}."),
        ),
        _ => l.t(format!("登录太频繁，请 {after}后再试。"), format!("Too many tries. Try again after {after}.")),
    }
}

/// The page to replace one's password.
pub(super) fn password(at: &Page, problem: Option<&Problem>) -> Response {
    let l = at.lang;
    let token = at.form_token();
    let why = problem.map(|problem| match problem.code {
        ProblemCode::WeakPassword => l.t(
            "新密码不合要求：至少 10 个字符，或至少 8 个字符并同时有字母和数字；不能太容易猜到，也不能与原密码相同。"
                .to_owned(),
            "The new password will not do: at least 10 characters, or 8 with letters and digits; not easy to guess, and \
             not the old one."
                .to_owned(),
        ),
        ProblemCode::InvalidFields => {
            l.t("两次输入的新密码不一样。".to_owned(), "The new passwords differ.".to_owned())
        }
        _ => refused_login(l, problem)
            .replace("用户名或密码", "原密码")
            .replace("User name or password", "The old password"),
    });
    let content = html! {
        section.card.narrow {
            h1 { (l.t("修改密码", "Change password")) }
            @if at.at_desk.member.must_change {
                p.lead { (l.t("这是首次登录，请先换成只有您自己知道的密码。", "This is your first login: choose a password that only you know.")) }
            }
            @if let Some(why) = &why { p.notice.bad role="alert" { (why) } }
            form.stack method="post" action=(PASSWORD) {
                input type="hidden" name="token" value=(token);
                input type="hidden" name="user" autocomplete="username" value=(at.at_desk.member.name);
                label { span { (l.t("原密码", "Old password")) } input type="password" name="old" autocomplete="current-password" maxlength="256" required autofocus; }
                label { span { (l.t("新密码", "New password")) } input type="password" name="new" autocomplete="new-password" minlength="8" maxlength="128" required aria-describedby="rule"; }
                p.fine #rule { (l.t("至少 10 个字符，或 8 个字符并同时有字母和数字。不要用常见密码、日期、姓名。", "At least 10 characters, or 8 with letters and digits. No common password, date or name.")) }
                label { span { (l.t("再输入一次新密码", "The new password again")) } input type="password" name="again" autocomplete="new-password" maxlength="128" required; }
                button.main { (l.t("保存新密码", "Save the new password")) }
            }
        }
    };
    page(status(problem), frame(&at.visitor, Some(&at.at_desk), &token, l.t("修改密码", "Change password"), &content))
}

/// What the queue shows.
pub(super) struct Queue {
    pub(super) wanted: Wanted,
    pub(super) number: u32,
    pub(super) pages: u32,
    pub(super) lines: Vec<Queued>,
    pub(super) total: u32,
    pub(super) others: Vec<(Uuid, String, Timestamp)>,
}

/// The queue.
pub(super) fn queue(at: &Page, queue: &Queue) -> Response {
    let l = at.lang;
    let wanted = &queue.wanted;
    let state = if wanted.waiting { "waiting".to_owned() } else { wanted.state.map_or("all".into(), store::word) };
    let search = wanted.search.as_deref().unwrap_or_default();
    let link = |number: u32| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("state", &state);
        if let Some(business) = wanted.business {
            query.append_pair("business", business.name());
        }
        if !search.is_empty() {
            query.append_pair("q", search);
        }
        format!("{PATH}?{}", query.append_pair("page", &number.to_string()).finish())
    };
    let states = [
        State::Submitted,
        State::InReview,
        State::NeedsCorrection,
        State::AwaitingIssuance,
        State::Completed,
        State::Rejected,
        State::Withdrawn,
    ];
    let content = html! {
        div.heading {
            h1 { (l.t("待审列表", "Queue")) }
            p.lead { (total(l, wanted.waiting, queue.total)) }
        }
        form.filters method="get" action=(PATH) role="search" {
            label { span { (l.t("状态", "State")) }
                select name="state" {
                    option value="waiting" selected[state == "waiting"] { (l.t("等待审核", "Waiting for us")) }
                    option value="all" selected[state == "all"] { (l.t("全部", "All")) }
                    @for one in states {
                        option value=(store::word(one)) selected[wanted.state == Some(one)] { (l.state(one)) }
                    }
                }
            }
            label { span { (l.t("业务", "Business")) }
                select name="business" {
                    option value="" { (l.t("全部", "All")) }
                    @for one in Business::ALL {
                        option value=(one.name()) selected[wanted.business == Some(one)] { (l.business(one)) }
                    }
                }
            }
            label.grow { span { (l.t("申办编号或单位名称", "Number or name of the unit")) }
                input type="search" name="q" value=(search) maxlength="100" autocomplete="off"; }
            button { (l.t("查找", "Find")) }
        }
        @if queue.lines.is_empty() {
            div.card.empty {
                span.seal aria-hidden="true" { "空" }
                p { (if wanted.waiting && wanted.search.is_none() && wanted.business.is_none() {
                    l.t("没有等待审核的申办。", "Nothing waits for a decision.")
                } else { l.t("没有符合条件的申办。", "No case matches.") }) }
            }
        } @else {
            div.card.table {
                table {
                    caption.hidden { (l.t("申办", "Cases")) }
                    thead { tr {
                        th scope="col" { (l.t("申办编号", "Number")) }
                        th scope="col" { (l.t("申请人", "Applicant")) }
                        th scope="col" { (l.t("业务", "Business")) }
                        th scope="col" { (l.t("状态", "State")) }
                        th scope="col" { (l.t("提交时间", "Handed in")) }
                        th scope="col" { (l.t("正在查看", "Being looked at")) }
                    } }
                    tbody {
                        @for line in &queue.lines { (row(l, line, &queue.others)) }
                    }
                }
            }
        }
        @if queue.pages > 1 {
            nav.pages aria-label=(l.t("翻页", "Pages")) {
                @if queue.number > 1 { a.button href=(link(queue.number - 1)) rel="prev" { (l.t("上一页", "Previous")) } }
                span { (l.t(format!("第 {} 页，共 {} 页", queue.number, queue.pages), format!("Page {} of {}", queue.number, queue.pages))) }
                @if queue.number < queue.pages { a.button href=(link(queue.number + 1)) rel="next" { (l.t("下一页", "Next")) } }
            }
        }
    };
    let title = l.t("待审列表", "Queue");
    page(StatusCode::OK, frame(&at.visitor, Some(&at.at_desk), &at.form_token(), title, &content))
}

fn total(l: Lang, waiting: bool, total: u32) -> String {
    match (waiting, total) {
        (true, 0) => l.t("都办完了。".to_owned(), "All done.".to_owned()),
        (true, 1) => l.t("1 件等待审核。".to_owned(), "1 case waits for a decision.".to_owned()),
        (true, n) => l.t(
            format!("{n} 件等待审核，注销优先，先交先办。"),
            format!("{n} cases wait for a decision; revocations first, then the oldest."),
        ),
        (false, n) => l.t(format!("共 {n} 件。"), format!("{n} cases.")),
    }
}

fn row(l: Lang, line: &Queued, others: &[(Uuid, String, Timestamp)]) -> Markup {
    let urgent = is_urgent(line.business, line.state);
    let names: Vec<_> = others.iter().filter(|(id, ..)| *id == line.id).map(|(_, name, _)| seen(name)).collect();
    html! {
        tr.urgent[urgent] {
            td.number { a href=(format!("{PATH}/cases/{}", line.id)) { (line.number) } }
            td { (if line.is_person { mask::name(&line.applicant) } else { seen(&line.applicant) })
                @if line.submissions > 1 { " " span.tag { (l.t(format!("第 {} 次提交", line.submissions), format!("handed in {} times", line.submissions))) } } }
            td { (l.business(line.business)) @if urgent { " " span.tag.bad { (line.circumstance.map_or(l.t("紧急", "Urgent"), |it| l.circumstance(it))) } } }
            td { (state_badge(l, line.state)) @if line.first.is_some() { " " span.tag.warn { (l.t("待复核", "second decision")) } } }
            td.time { (minute(line.handed_in)) }
            td { @if names.is_empty() { span.soft { "—" } } @else { span.tag.main { (names.join(l.t("、", ", "))) } } }
        }
    }
}

/// Whether a case does not wait its turn: a certificate that should not be trusted is trusted until it is decided.
pub(super) fn is_urgent(business: Business, state: State) -> bool {
    business == Business::Revoke && matches!(state, State::Submitted | State::InReview)
}

pub(super) fn state_badge(l: Lang, state: State) -> Markup {
    html! { span class=(format!("state {}", store::word(state))) { (l.state(state)) } }
}

/// The audit log, newest first.
pub(super) fn audit(at: &Page, rows: &[AuditRow], head: Option<&(u64, Vec<u8>)>) -> Response {
    let l = at.lang;
    let content = html! {
        div.heading { h1 { (l.t("审计日志", "Audit log")) } }
        @if let Some((number, hash)) = head {
            div.card.facts {
                p { (l.t("每条记录都含上一条的 SHA-256。把最新一条抄存在别处，日后即可证明此前的记录没有被删改：",
                    "Each row holds the SHA-256 of the one before. Keep the newest elsewhere: later it proves that nothing before it was changed or cut off:")) }
                p { code { (number) ":" (hex(hash)) } }
                p.fine { (l.t("核验：", "To check: ")) code { "certdesk-service audit verify --head " (number) ":" (&hex(hash)[..8]) "…" } }
            }
        }
        div.card.table { (audit_table(l, rows)) }
        @if let Some(last) = rows.last().filter(|row| row.number > 1) {
            nav.pages aria-label=(l.t("翻页", "Pages")) {
                a.button href=(format!("{AUDIT}?below={}", last.number)) rel="next" { (l.t("更早的记录", "Earlier rows")) }
            }
        }
    };
    let title = l.t("审计日志", "Audit log");
    page(StatusCode::OK, frame(&at.visitor, Some(&at.at_desk), &at.form_token(), title, &content))
}

/// Rows of the audit log.
pub(super) fn audit_table(l: Lang, rows: &[AuditRow]) -> Markup {
    html! {
        table.audit {
            caption.hidden { (l.t("审计记录", "Audit log")) }
            thead { tr {
                th scope="col" { "#" }
                th scope="col" { (l.t("时间", "When")) }
                th scope="col" { (l.t("人员", "Who")) }
                th scope="col" { (l.t("操作", "What")) }
                th scope="col" { (l.t("申办 / 第几次提交", "Case / submission")) }
                th scope="col" { (l.t("内容", "Details")) }
                th scope="col" { "SHA-256" }
            } }
            tbody {
                @for row in rows {
                    tr {
                        td { (row.number) }
                        td.time { (minute(row.at)) }
                        td { (row.actor) }
                        td { (l.event(&row.act)) }
                        td {
                            @if let Some(id) = &row.application {
                                a.mono href=(format!("{PATH}/cases/{id}")) title=(id) { "…" (id.get(28..).unwrap_or(id)) }
                                @if let Some(submission) = row.submission { span.soft { " /" (submission) } }
                            }
                        }
                        td.details { (details(&row.details)) }
                        td { code title=(hex(&row.hash)) { (&hex(&row.hash)[..8]) "…" } }
                    }
                }
            }
        }
    }
}

/// The details of a row, one name and value after the other; long values are cut short, whole in their title.
fn details(json: &str) -> Markup {
    const LONGEST: usize = 20;
    let parsed: serde_json::Map<String, serde_json::Value> = serde_json::from_str(json).unwrap_or_default();
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    html! {
        @for (name, value) in &parsed {
            @let value = seen(&text(value));
            @let short = value.chars().take(LONGEST).collect::<String>();
            span { span.soft { (name) } " " code title=(value) { (short) @if short.len() < value.len() { "…" } } }
        }
    }
}

/// The page of a failure.
pub(super) fn refusal(visitor: &Visitor, at_desk: Option<&AtDesk>, failure: Failure) -> Response {
    let problem = failure.problem();
    let (title, hint) = visitor.lang.problem(problem.code);
    sorry(visitor, at_desk, status(Some(&problem)), title, hint)
}

/// A form that did not come from one of our pages, or from one of a session that is over.
pub(super) fn forged(visitor: &Visitor) -> Response {
    let (title, hint) = visitor.lang.t(
        ("没有受理这次提交", "它不是从本审核台的页面发出的，或者页面已经过期。请返回上一页并刷新，再提交一次。"),
        ("This was not taken", "It did not come from a page of this desk, or the page is out of date. Go back, reload the page, and send it again."),
    );
    sorry(visitor, None, StatusCode::FORBIDDEN, title, hint)
}

/// What this member's role does not do.
pub(super) fn not_yours(at: &Page) -> Response {
    let (title, hint) = at.lang.t(
        ("您的角色不能做这件事", "审核员作决定，审计员查看审计日志。需要调整请找管理员。"),
        (
            "Your role does not do this",
            "Reviewers decide, auditors read the audit log. The administrator assigns roles.",
        ),
    );
    sorry(&at.visitor, Some(&at.at_desk), StatusCode::FORBIDDEN, title, hint)
}

fn sorry(visitor: &Visitor, at_desk: Option<&AtDesk>, status: StatusCode, title: &str, hint: &str) -> Response {
    let l = visitor.lang;
    let content = html! {
        section.card.narrow {
            h1 { (title) }
            p.lead { (hint) }
            p { a.button href=(PATH) { (l.t("回到待审列表", "Back to the queue")) } }
        }
    };
    page(status, frame(visitor, at_desk, &visitor.form_token(), title, &content))
}

/// The HTTP status of a page that tells of a problem.
pub(super) fn status(problem: Option<&Problem>) -> StatusCode {
    problem.map_or(StatusCode::OK, |problem| StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST))
}
