//! The review desk's pages over TLS, as browsers meet them, and as those meet them who are no browser.

use std::{collections::HashMap, process::Command, time::Duration};

use certdesk_contract::{
    ProblemCode,
    application::{Application, Remark, RemarkTarget, Review},
    path,
};
use certdesk_domain::{AccountKind, State};
use certdesk_service::{
    audit::{AuditLog, Fault},
    staff::{Role, StaffBook},
};
use uuid::Uuid;

use crate::world::{Answer, Applicant, Client, World, file, id_of};

const PROGRAM: &str = env!("CARGO_BIN_EXE_certdesk-service");

/// A browser: keeps cookies, sends forms with the token of the page it is on, and says where they come from.
struct Browser {
    client: Client,
    cookies: HashMap<String, String>,
    page: String,
}

impl Browser {
    fn new(world: &World) -> Self {
        Self { client: world.client(), cookies: HashMap::new(), page: String::new() }
    }

    /// Logged in as one of the demo's staff.
    async fn of(world: &World, nth: usize) -> Self {
        let mut browser = Self::new(world);
        let member = &world.running.desk_staff[nth];
        browser.log_in(&member.name, &member.password).await.expect(303);
        browser
    }

    async fn log_in(&mut self, name: &str, password: &str) -> Answer {
        self.get("/desk/login").await;
        self.post("/desk/login", &[("name", name), ("password", password)]).await
    }

    fn cookie(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn origin(&self) -> String {
        format!("https://{}", self.client.address)
    }

    fn token(&self) -> String {
        let after = self.page.split_once("name=\"token\" value=\"").map_or("", |(_, after)| after);
        after.chars().take_while(|c| *c != '"').collect()
    }

    async fn get(&mut self, path: &str) -> Answer {
        let cookie = self.cookie();
        let answer = self.client.send("GET", path, &[("cookie", &cookie)], "").await;
        self.keep(&answer);
        answer
    }

    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let (token, origin) = (self.token(), self.origin());
        let headers = [("origin", &*origin), ("sec-fetch-site", "same-origin")];
        let fields: Vec<_> = [("token", &*token)].into_iter().chain(fields.iter().copied()).collect();
        let answer = self.post_as(path, &headers, &fields).await;
        self.keep(&answer);
        answer
    }

    async fn post_as(&self, path: &str, headers: &[(&str, &str)], fields: &[(&str, &str)]) -> Answer {
        let cookie = self.cookie();
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let mut all = vec![("content-type", "application/x-www-form-urlencoded"), ("cookie", &*cookie)];
        all.extend_from_slice(headers);
        self.client.send("POST", path, &all, form).await
    }

    fn keep(&mut self, answer: &Answer) {
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            assert!(
                cookie.starts_with("__Host-")
                    && ["; Path=/", "; Secure", "; HttpOnly", "; SameSite=Strict"].iter().all(|a| cookie.contains(a)),
                "every cookie is for this host, over TLS, from our own pages, and not for scripts: {cookie}"
            );
            let (name, rest) = cookie.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if cookie.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        if answer.header("content-type").starts_with("text/html") {
            self.page = text(answer);
            assert!(!self.page.contains("<script") && !self.page.contains("<svg"), "no page has a script");
        }
    }

    /// Opens a case and decides it.
    async fn decide(&mut self, id: Uuid, fields: &[(&str, &str)]) -> Answer {
        self.get(&case(id)).await.expect(200);
        let submission = self.page.split_once("name=\"submission\" value=\"").map_or("", |(_, after)| after);
        let submission: String = submission.chars().take_while(char::is_ascii_digit).collect();
        let fields: Vec<_> = [("submission", &*submission)].into_iter().chain(fields.iter().copied()).collect();
        self.post(&format!("{}/decision", case(id)), &fields).await
    }
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.clone()).unwrap()
}

fn case(id: Uuid) -> String {
    format!("/desk/cases/{id}")
}

async fn handed_in(person: &Applicant) -> Uuid {
    let id = person.draft().await;
    let submission = person.submission(person.all_files(id).await).await;
    person.client.post_once(&path::submission(id), Uuid::new_v4(), &submission).await.expect(200);
    id
}

async fn shown(person: &Applicant, id: Uuid) -> Application {
    person.client.get(&path::application(id)).await.expect(200).json()
}

fn log(world: &World) -> Vec<(String, String, String)> {
    let mut rows = Vec::new();
    let log = AuditLog::open(world.data.path()).unwrap();
    log.each(|entry| {
        rows.push((entry.actor, entry.act, entry.details));
        Ok(())
    })
    .unwrap();
    let verified = log.verify(None).unwrap();
    assert_eq!(verified.broken, None, "the chain of the log is whole after whatever was done");
    rows
}

fn count(rows: &[(String, String, String)], actor: &str, act: &str) -> usize {
    rows.iter().filter(|row| row.0 == actor && row.1 == act).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_logged_in_sees_the_login_page_alone() {
    let world = World::new().await;
    let person = world.applicant(AccountKind::Enterprise).await;
    let id = handed_in(&person).await;
    let upload = shown(&person, id).await.attachments[0].upload;
    let mut stranger = Browser::new(&world);
    for path in
        ["/desk", "/desk/audit", "/desk/password", "/desk/anything", &case(id), &format!("{}/files/{upload}", case(id))]
    {
        let answer = stranger.get(path).await.expect(303);
        assert!(answer.header("location").starts_with("/desk/login"), "{path} asks to log in");
    }
    assert_eq!(shown(&person, id).await.state, State::Submitted, "a look from outside opens no case");
    let lured = Browser::of(&world, 0).await.cookie();
    for site in ["cross-site", "same-site"] {
        let headers = [("cookie", &*lured), ("sec-fetch-site", site)];
        world.client().send("GET", &case(id), &headers, "").await.expect(403);
    }
    assert_eq!(shown(&person, id).await.state, State::Submitted, "nor does a look that another site's page makes");
    // An applicant's session is none here, and a reviewer's none there.
    person.client.get(&case(id)).await.expect(303);
    let reviewer = Browser::of(&world, 0).await;
    let cookie = reviewer.cookie();
    let (_, token) = cookie.split_once('=').unwrap();
    world.client().send("GET", path::ACCOUNT, &[("cookie", &cookie)], "").await.refused(ProblemCode::Unauthenticated);
    let bearer = format!("Bearer {token}");
    world
        .client()
        .send("GET", path::ACCOUNT, &[("authorization", &bearer)], "")
        .await
        .refused(ProblemCode::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_counts_only_from_a_page_of_the_same_session() {
    let world = World::new().await;
    let person = world.applicant(AccountKind::Enterprise).await;
    let id = handed_in(&person).await;
    let (mut jia, mut yi) = (Browser::of(&world, 0).await, Browser::of(&world, 1).await);
    jia.get(&case(id)).await.expect(200);
    yi.get(&case(id)).await.expect(200);
    let decision = format!("{}/decision", case(id));
    let (own, other, origin) = (jia.token(), yi.token(), jia.origin());
    assert_ne!(own, other);
    let ours = [("origin", &*origin), ("sec-fetch-site", "same-origin")];
    let approve = |token: &'static str| [("token", token), ("submission", "1"), ("decision", "approve")];
    jia.post_as(&decision, &ours, &approve("")).await.expect(403);
    jia.post_as(&decision, &ours, &approve("AAAA")).await.expect(403);
    jia.post_as(&decision, &ours, &[("token", &other), ("submission", "1"), ("decision", "approve")]).await.expect(403);
    let right = [("token", &*own), ("submission", "1"), ("decision", "approve")];
    let evil: [&[(&str, &str)]; 5] = [
        &[],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", &origin), ("sec-fetch-site", "cross-site")],
        &[("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")],
    ];
    for headers in evil {
        jia.post_as(&decision, headers, &right).await.expect(403);
    }
    let login = [("name", "x"), ("password", "y")];
    Browser::new(&world).post_as("/desk/login", &ours, &login).await.expect(403);
    assert_eq!(shown(&person, id).await.state, State::InReview, "none of these decided anything");
    jia.post_as(&decision, &ours, &right).await.expect(303);
    assert_eq!(shown(&person, id).await.state, State::AwaitingIssuance);
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_not_guessed() {
    let world = World::new().await;
    let member = world.running.desk_staff[0].clone();
    for name in [&*member.name, "nobody.there"] {
        let mut browser = Browser::new(&world);
        let mut answers = Vec::new();
        for _ in 0..10 {
            let refused = browser.log_in(name, "wrong password").await;
            answers.push((refused.status, text(&refused).contains("后再试")));
            world.clock.advance(Duration::from_secs(300));
        }
        assert_eq!(answers[0], (401, false));
        assert_eq!(answers[3], (401, true), "after some tries the next has to wait");
        assert_eq!(answers[9].0, 429, "and then the account is locked, whether there is one or not");
        browser.log_in(name, &member.password).await.expect(429);
    }
    world.clock.advance(Duration::from_secs(15 * 60 + 1));
    Browser::of(&world, 0).await;
    let rows = log(&world);
    assert_eq!(count(&rows, "unknown", "login_refused"), 22);
    assert!(rows.iter().all(|row| !row.2.contains("nobody.there")), "what was typed is not logged unless it is a name");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_by_time_by_its_owner_and_by_the_administrator() {
    let world = World::new().await;
    let mut idle = Browser::of(&world, 0).await;
    world.clock.advance(Duration::from_secs(29 * 60));
    idle.get("/desk").await.expect(200);
    world.clock.advance(Duration::from_secs(31 * 60));
    idle.get("/desk").await.expect(303);

    let mut busy = Browser::of(&world, 0).await;
    for _ in 0..19 {
        world.clock.advance(Duration::from_secs(25 * 60));
        busy.get("/desk").await.expect(200);
    }
    world.clock.advance(Duration::from_secs(10 * 60));
    busy.get("/desk").await.expect(303);

    let mut leaving = Browser::of(&world, 0).await;
    let stolen = leaving.cookie();
    leaving.get("/desk").await.expect(200);
    let left = leaving.post("/desk/logout", &[]).await.expect(303);
    assert!(left.header("clear-site-data").contains("cache"), "the browser keeps nothing");
    assert!(leaving.cookies.is_empty(), "the cookie is taken away");
    world.client().send("GET", "/desk", &[("cookie", &stolen)], "").await.expect(303);

    let mut shared = Browser::of(&world, 0).await;
    let before = shared.cookie();
    let next = &world.running.desk_staff[1];
    shared.log_in(&next.name, &next.password).await.expect(303);
    shared.get("/desk").await.expect(200);
    let stale = world.client().send("GET", "/desk", &[("cookie", &before)], "").await;
    stale.expect(303);

    let mut disabled = Browser::of(&world, 0).await;
    let member = &world.running.desk_staff[0];
    let book = StaffBook::open(world.data.path()).unwrap();
    book.set_disabled(&member.name, true).unwrap();
    disabled.get("/desk").await.expect(303);
    disabled.log_in(&member.name, &member.password).await.expect(401);
    let desk = certdesk_service::review::Desk::open(world.data.path()).unwrap();
    assert!(desk.acting_as(&member.name).is_err(), "no command acts in their name either");
    book.set_disabled(&member.name, false).unwrap();
    disabled.log_in(&member.name, &member.password).await.expect(303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_password_is_replaced_before_anything_else() {
    let world = World::new().await;
    let book = StaffBook::open(world.data.path()).unwrap();
    let password = book.add("Chen.Wu", "陈武", Role::Auditor, None).unwrap();
    for bad in ["administrator", "a", "陈", "a b", "chen.wu"] {
        assert!(book.add(bad, "x", Role::Reviewer, None).is_err(), "{bad} is no new name");
    }
    assert!(book.add("weak", "x", Role::Reviewer, Some("123".into())).is_err());
    let mut browser = Browser::new(&world);
    browser.log_in("chen.wu", &password).await.expect(303);
    assert_eq!(browser.get("/desk").await.expect(303).header("location"), "/desk/password");
    browser.get("/desk/password").await.expect(200);
    let change =
        |old: &'static str, new: &'static str, again: &'static str| [("old", old), ("new", new), ("again", again)];
    browser.post("/desk/password", &change("wrong", "correct horse 7", "correct horse 7")).await.expect(401);
    browser.post("/desk/password", &[("old", &*password), ("new", "short"), ("again", "short")]).await.expect(422);
    browser
        .post("/desk/password", &[("old", &*password), ("new", "correct horse 7"), ("again", "other")])
        .await
        .expect(422);
    let before = browser.cookie();
    let right = [("old", &*password), ("new", "correct horse 7"), ("again", "correct horse 7")];
    browser.post("/desk/password", &right).await.expect(303);
    browser.get("/desk").await.expect(200);
    world.client().send("GET", "/desk", &[("cookie", &before)], "").await.expect(303);
    browser.get("/desk/audit").await.expect(200);
    Browser::of(&world, 0).await.get("/desk/audit").await.expect(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_files_can_do_nothing_but_show_themselves() {
    let world = World::new().await;
    let person = world.applicant(AccountKind::Enterprise).await;
    let id = person.draft().await;
    let mut attachments = person.all_files(id).await;
    // A page that begins like a PDF, under a name that leads elsewhere.
    let mut trick = b"%PDF-1.7\n<html><script>alert(1)</script><svg onload=alert(1)>".to_vec();
    trick.resize(5000, b' ');
    let upload = person.announce(id, "business_license", "../../../etc/<svg onload=alert(1)>.html", 5000, None).await;
    let upload = upload.map_err(|a| a.status).unwrap();
    person.patch(&upload, 0, true, &trick).await.expect(204);
    let trick_id = id_of(&upload);
    let place = attachments.iter().position(|a| a.requirement.0 == "business_license").unwrap();
    attachments[place].upload = trick_id;
    let submission = person.submission(attachments).await;
    person.client.post_once(&path::submission(id), Uuid::new_v4(), &submission).await.expect(200);
    let other = handed_in(&person).await;

    let mut jia = Browser::of(&world, 0).await;
    let page = jia.get(&case(id)).await.expect(200);
    for (name, value) in [
        (
            "content-security-policy",
            "default-src 'none'; style-src 'self'; img-src 'self'; media-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cache-control", "no-store"),
        ("cross-origin-opener-policy", "same-origin"),
        ("strict-transport-security", "max-age=31536000; includeSubDomains"),
    ] {
        assert_eq!(page.header(name), value, "{name} of a page");
    }
    assert!(
        jia.page.contains("&lt;svg onload=alert(1)&gt;") && !jia.page.contains("<svg"),
        "the name is shown, not obeyed"
    );

    let own = format!("{}/files/{trick_id}", case(id));
    let served = jia.get(&own).await.expect(200);
    assert_eq!(
        (served.header("content-type"), served.header("x-content-type-options")),
        ("application/pdf", "nosniff")
    );
    assert!(served.header("content-disposition").starts_with("inline; filename=\"business_license.pdf\""));
    assert!(served.header("content-disposition").ends_with("svg%20onload%3Dalert%281%29.html.pdf"));
    assert!(served.header("content-security-policy").starts_with("default-src 'none'"));
    assert_eq!(served.body, trick);
    assert!(jia.get(&format!("{own}?download=1")).await.header("content-disposition").starts_with("attachment;"));
    let video = submission.attachments.iter().find(|a| a.requirement.0 == "commitment_video").unwrap().upload;
    let video = format!("{}/files/{video}", case(id));
    let cookie = jia.cookie();
    let part =
        world.client().send("GET", &video, &[("cookie", &cookie), ("range", "bytes=100-199")], "").await.expect(206);
    assert_eq!((part.header("content-range"), part.header("content-length")), ("bytes 100-199/5000", "100"));
    assert_eq!(part.body, file("mp4", 5000)[100..200]);
    assert!(part.header("content-security-policy").ends_with("sandbox") && part.header("content-type") == "video/mp4");
    let beyond = [("cookie", &*cookie), ("range", "bytes=5000-")];
    assert_eq!(
        world.client().send("GET", &video, &beyond, "").await.expect(416).header("content-range"),
        "bytes */5000"
    );
    let stale = [("cookie", &*cookie), ("range", "bytes=0-9"), ("if-range", "\"another\"")];
    world.client().send("GET", &video, &stale, "").await.expect(200);

    for elsewhere in [
        format!("{}/files/{trick_id}", case(other)),
        format!("{}/files/{}", case(id), Uuid::new_v4()),
        format!("{}/files/..%2F..%2Fportal.db", case(id)),
        format!("{}/files/%2e%2e%2fportal.db", case(id)),
        format!("{}/files/../../../portal.db", case(id)),
        case(Uuid::new_v4()),
        "/desk/cases/x".into(),
        case(person.draft().await),
    ] {
        jia.get(&elsewhere).await.expect(404);
    }
    let rows = log(&world);
    assert_eq!(count(&rows, &world.running.desk_staff[0].name, "file_opened"), 2, "each file once, however many parts");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_applicant_wrote_is_shown_as_text_and_personal_data_masked() {
    let world = World::new().await;
    let evil = "\"'><script>alert(1)</script>\u{202E}";
    let mut registration = crate::world::registration(AccountKind::Enterprise);
    registration.address.detail = "路\"'><script>alert(1)</script>".into();
    registration.organisation.as_mut().unwrap().name = "<b>云帆</b>&amp;\"公司".into();
    let person = crate::world::applicant(&world.client(), registration).await;
    let id = person.draft().await;
    let mut submission = person.submission(person.all_files(id).await).await;
    submission.handler.address.detail = "路\"'><script>alert(1)</script>".into();
    person.client.post_once(&path::submission(id), Uuid::new_v4(), &submission).await.expect(200);
    let mut jia = Browser::of(&world, 0).await;
    jia.get(&format!("/desk?q={}", "%22%27%3E%3Cscript%3Ealert(1)%3C/script%3E")).await.expect(200);
    assert!(jia.page.contains("&quot;'&gt;&lt;script&gt;"), "what was searched for is text");
    jia.get("/desk").await.expect(200);
    assert!(jia.page.contains("&lt;b&gt;云帆&lt;/b&gt;&amp;amp;"), "{}", jia.page);

    jia.get(&case(id)).await.expect(200);
    for hidden in ["11010519491231002X", "13800138000", "clerk@example.com", "alert(1)"] {
        assert!(!jia.page.contains(hidden), "{hidden} is masked until it is asked for");
    }
    for masked in ["110105********002X", "138****8000", "c***@example.com"] {
        assert!(jia.page.contains(masked), "{masked} is enough to recognise");
    }
    jia.post(&format!("{}/reveal", case(id)), &[("show", "all")]).await.expect(303);
    jia.get(&case(id)).await.expect(200);
    assert!(
        jia.page.contains("11010519491231002X")
            && jia.page.contains("路&quot;'&gt;&lt;script&gt;alert(1)&lt;/script&gt;")
    );
    jia.get("/desk").await.expect(200);
    jia.get(&case(id)).await.expect(200);
    assert!(!jia.page.contains("11010519491231002X"), "who comes back sees it masked again");

    // The reviewer's own words come back as they were typed, too.
    let refused = jia
        .decide(id, &[("decision", "return"), ("remark:field:phone", evil), ("remark:field:none", evil)])
        .await
        .expect(400);
    let again = text(&refused);
    assert!(
        again.contains("role=\"alert\"") && again.contains("&lt;script&gt;alert(1)&lt;/script&gt;"),
        "typed text is not lost"
    );
    assert!(again.contains("id=\"choose-return\" checked"), "nor is the choice");
    let rows = log(&world);
    assert_eq!(count(&rows, &world.running.desk_staff[0].name, "revealed"), 1, "showing it is logged");
    for (_, _, details) in &rows {
        for personal in ["11010519491231002X", "13800138000", "王", "林测试", "云帆", "clerk@"] {
            assert!(!details.contains(personal), "the log holds no personal data: {details}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_is_opened_seen_by_others_and_decided() {
    let world = World::new().await;
    let person = world.applicant(AccountKind::Enterprise).await;
    let (returned, rejected) = (handed_in(&person).await, handed_in(&person).await);
    let book = StaffBook::open(world.data.path()).unwrap();
    book.add("auditor", "审计", Role::Auditor, Some("first password 1".into())).unwrap();
    let mut auditor = Browser::new(&world);
    auditor.log_in("auditor", "first password 1").await.expect(303);
    auditor.get("/desk/password").await.expect(200);
    let change = [("old", "first password 1"), ("new", "correct horse 7"), ("again", "correct horse 7")];
    auditor.post("/desk/password", &change).await.expect(303);
    auditor.get(&case(returned)).await.expect(200);
    assert_eq!(shown(&person, returned).await.state, State::Submitted, "an auditor's look begins no review");
    auditor.decide(returned, &[("decision", "approve")]).await.expect(403);
    auditor.get("/desk").await.expect(200);

    let (mut jia, mut yi) = (Browser::of(&world, 0).await, Browser::of(&world, 1).await);
    jia.get(&case(returned)).await.expect(200);
    assert_eq!(shown(&person, returned).await.state, State::InReview, "opening a case begins its review");
    person.client.send("DELETE", &path::application(returned), &[], "").await.refused(ProblemCode::WrongState);
    yi.get("/desk").await.expect(200);
    assert!(yi.page.contains("审核员甲"), "others see who is at it");
    yi.get(&case(returned)).await.expect(200);
    assert!(yi.page.contains("审核员甲 也在查看本案"));
    jia.get("/desk").await.expect(200);
    yi.get(&case(returned)).await.expect(200);
    assert!(!yi.page.contains("也在查看本案"), "who went back to the queue is at it no more");

    for empty in [
        &[("decision", "return")][..],
        &[("decision", "return"), ("remark:case", "  ")],
        &[("decision", "reject"), ("reason", " ")],
        &[("decision", "shrug")],
        &[],
    ] {
        jia.decide(returned, empty).await.expect(400);
    }
    let long = "长".repeat(501);
    jia.decide(returned, &[("decision", "reject"), ("reason", &long)]).await.expect(400);
    let remarks = [
        ("decision", "return"),
        ("remark:field:phone", "请核对\r\n手机号"),
        ("remark:files:business_license", "不清楚"),
        ("remark:case", ""),
    ];
    jia.decide(returned, &remarks).await.expect(303);
    let back = shown(&person, returned).await;
    assert_eq!(back.state, State::NeedsCorrection);
    assert_eq!(back.remarks[0], Remark { target: RemarkTarget::Field("phone".into()), text: "请核对\n手机号".into() });
    assert_eq!(back.remarks.len(), 2, "what was left empty is no remark");
    let late = yi
        .post(&format!("{}/decision", case(returned)), &[("submission", "1"), ("decision", "approve")])
        .await
        .expect(409);
    assert!(text(&late).contains("已经不在审核中"), "who comes late is told so");

    jia.decide(rejected, &[("decision", "reject"), ("reason", "营业执照已过期")]).await.expect(303);
    assert_eq!(shown(&person, rejected).await.reason.as_deref(), Some("营业执照已过期"));
    jia.get("/desk?state=rejected").await.expect(200);
    assert!(jia.page.contains(&shown(&person, rejected).await.number.unwrap()));
    jia.get("/desk").await.expect(200);
    assert!(jia.page.contains("没有等待审核的申办"));
    jia.post("/desk/language", &[("lang", "en"), ("next", "/desk?state=all")]).await.expect(303);
    jia.get("/desk?state=all").await.expect(200);
    assert!(jia.page.contains("2 cases.") && jia.page.contains("lang=\"en\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_about_what_was_looked_at() {
    let world = World::new().await;
    let person = world.applicant(AccountKind::Enterprise).await;
    let id = handed_in(&person).await;
    let mut jia = Browser::of(&world, 0).await;
    jia.get(&case(id)).await.expect(200);
    let review = |arguments: &[&str]| {
        let id = id.to_string();
        let output =
            Command::new(PROGRAM).arg("review").args(arguments).args([&*id, "--data"]).arg(world.data.path()).output();
        let output = output.unwrap();
        (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    assert!(review(&["show"]).1.contains("submission       1"), "the command tells what it shows");
    assert!(review(&["return", "--remark", "case=请全部核对", "--submission", "1"]).0);
    let mut again = person.submission(person.all_files(id).await).await;
    again.handler.phone = "13900139000".into();
    person.client.post_once(&path::submission(id), Uuid::new_v4(), &again).await.expect(200);

    let fields = [("submission", "1"), ("decision", "reject"), ("reason", "我写了很久的原因")];
    let changed = jia.post(&format!("{}/decision", case(id)), &fields).await.expect(409);
    assert!(text(&changed).contains("刚刚有了变化") && text(&changed).contains("我写了很久的原因"));
    assert!(text(&changed).contains("上次提交"), "the page shows what is new");
    let (decided, why) = review(&["approve", "--submission", "1"]);
    assert!(!decided && why.contains("case_changed"), "{why}");
    assert_eq!(shown(&person, id).await.state, State::Submitted, "neither decided what they had not seen");
    jia.decide(id, &[("decision", "approve")]).await.expect(303);
    assert_eq!(shown(&person, id).await.state, State::AwaitingIssuance);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_takes_two() {
    let world = World::with(|config| config.two_persons = true).await;
    let person = world.applicant(AccountKind::Enterprise).await;
    let (id, by_command) = (handed_in(&person).await, handed_in(&person).await);
    let staff: Vec<_> = world.running.desk_staff.iter().map(|member| member.name.clone()).collect();
    let (mut jia, mut yi) = (Browser::of(&world, 0).await, Browser::of(&world, 1).await);
    jia.decide(id, &[("decision", "approve")]).await.expect(303);
    jia.get(&case(id)).await.expect(200);
    assert!(
        jia.page.contains("您已作出第一次决定：通过") && !jia.page.contains("name=\"decision\" value=\"approve\" type")
    );
    jia.post(&format!("{}/decision", case(id)), &[("submission", "1"), ("decision", "approve")]).await.expect(303);
    assert_eq!(shown(&person, id).await.state, State::InReview, "the same person cannot be the second");
    yi.get("/desk").await.expect(200);
    assert!(yi.page.contains("待复核"));
    yi.get(&case(id)).await.expect(200);
    assert!(yi.page.contains("审核员甲 已作出第一次决定：通过"));
    // Of two who disagree the later is the first.
    yi.decide(id, &[("decision", "reject"), ("reason", "照片不是本人")]).await.expect(303);
    assert_eq!(shown(&person, id).await.state, State::InReview);
    jia.get(&case(id)).await.expect(200);
    assert!(jia.page.contains("照片不是本人"), "the other reads why");
    jia.decide(id, &[("decision", "approve")]).await.expect(303);
    yi.decide(id, &[("decision", "approve")]).await.expect(303);
    assert_eq!(shown(&person, id).await.state, State::AwaitingIssuance, "two who agree decide");

    let review = |arguments: &[&str]| {
        let output =
            Command::new(PROGRAM).arg("review").args(arguments).arg("--data").arg(world.data.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let name = by_command.to_string();
    assert!(review(&["approve", &name, "--as", &staff[0]]).contains("first of two"));
    assert!(review(&["approve", &name, "--as", &staff[0]]).contains("first of two"));
    assert!(review(&["show", &name]).contains(&format!("approved by {}", staff[0])));
    assert!(review(&["approve", &name, "--as", &staff[1]]).contains("awaiting_issuance"));
    let third = handed_in(&person).await;
    let desk = world.desk().acting_as(&staff[0]).unwrap();
    desk.decide(&third.to_string(), Review::Approve).unwrap();
    let whole = Remark { target: RemarkTarget::Case, text: "请补正".into() };
    desk.decide(&third.to_string(), Review::Return { remarks: vec![whole] }).unwrap();
    assert_eq!(shown(&person, third).await.state, State::NeedsCorrection, "sending back takes one");
    let again = person.submission(person.all_files(third).await).await;
    person.client.post_once(&path::submission(third), Uuid::new_v4(), &again).await.expect(200);
    world.desk().acting_as(&staff[1]).unwrap().decide(&third.to_string(), Review::Approve).unwrap();
    assert_eq!(shown(&person, third).await.state, State::InReview, "a first decision is about one submission");
    assert!(world.desk().acting_as("nobody").is_err());
    let rows = log(&world);
    assert_eq!(count(&rows, "administrator", "setting_changed"), 1);
    assert_eq!(count(&rows, &staff[0], "first_decision"), 4);
    assert_eq!(count(&rows, &staff[1], "decided"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_finds_pages_and_filters() {
    let world = World::new().await;
    let mut names = Vec::new();
    for (nth, name) in ["福州100%测试公司", "厦门甲测试公司", "厦门乙测试公司"].into_iter().enumerate()
    {
        let mut registration = crate::world::registration(AccountKind::Enterprise);
        let unit = registration.organisation.as_mut().unwrap();
        unit.name = name.into();
        unit.credit_code = ["91350100M000100Y43", "91350100M000101Y4Q", "91350100M000102Y4E"][nth].into();
        registration.phone = format!("1380013800{nth}");
        let person = crate::world::applicant(&world.client(), registration).await;
        let id = person.draft().await;
        let mut submission = person.submission(person.all_files(id).await).await;
        submission.handler.credit_code = ["91350100M000100Y43", "91350100M000101Y4Q", "91350100M000102Y4E"][nth].into();
        person.client.post_once(&path::submission(id), Uuid::new_v4(), &submission).await.expect(200);
        names.push(shown(&person, id).await.number.unwrap());
    }
    let mut jia = Browser::of(&world, 0).await;
    let mut lines = async |query: &str| {
        jia.get(&format!("/desk{query}")).await.expect(200);
        names.iter().filter(|name| jia.page.contains(*name)).count()
    };
    assert_eq!(lines("").await, 3);
    assert_eq!(lines("?q=%E5%8E%A6%E9%97%A8").await, 2, "by part of the name");
    assert_eq!(lines("?q=%25").await, 1, "a percent sign is a percent sign");
    assert_eq!(lines("?q=_").await, 0);
    assert_eq!(lines(&format!("?q={}", names[1].to_lowercase())).await, 1, "by number");
    assert_eq!((lines("?business=renew").await, lines("?business=new&state=submitted").await), (0, 3));
    assert_eq!((lines("?state=completed").await, lines("?state=nonsense&page=-1&business=%00").await), (0, 3));
    assert_eq!(lines("?page=9").await, 0);
    let order: Vec<_> = {
        jia.get("/desk?state=all").await.expect(200);
        names.iter().map(|name| jia.page.find(&**name).unwrap()).collect()
    };
    assert!(order.is_sorted(), "the oldest is first");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_verifies_the_log_and_names_the_first_broken_row() {
    let world = World::new().await;
    let person = world.applicant(AccountKind::Enterprise).await;
    let id = handed_in(&person).await;
    let mut jia = Browser::of(&world, 0).await;
    jia.decide(id, &[("decision", "approve")]).await.expect(303);
    jia.get("/desk").await.expect(200);
    jia.post("/desk/logout", &[]).await.expect(303);
    let audit = |arguments: &[&str]| {
        let output =
            Command::new(PROGRAM).arg("audit").args(arguments).arg("--data").arg(world.data.path()).output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (whole, told, _) = audit(&["verify", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert!(whole && told["broken"].is_null());
    let head = format!("{}:{}", told["head"]["number"], told["head"]["hash"].as_str().unwrap());
    let (_, list, _) = audit(&["list", "--json"]);
    let rows: Vec<serde_json::Value> = list.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let acts: Vec<_> = rows.iter().map(|row| row["act"].as_str().unwrap()).collect();
    assert_eq!(acts, ["staff_added", "staff_added", "logged_in", "case_opened", "decided", "logged_out"]);
    assert_eq!((&rows[4]["application"], &rows[4]["submission"]), (&id.to_string().into(), &1.into()));
    // The rule of the module's documentation, followed by hand.
    let mut before = "0".repeat(64);
    for row in &rows {
        let at =
            time::OffsetDateTime::parse(row["at"].as_str().unwrap(), &time::format_description::well_known::Rfc3339);
        let at = i64::try_from(at.unwrap().unix_timestamp_nanos() / 1_000_000).unwrap();
        let text = serde_json::json!([
            row["number"],
            at,
            row["actor"],
            row["act"],
            row["application"],
            row["submission"],
            row["details"],
            before
        ]);
        before = crate::world::hex(&<sha2::Sha256 as sha2::Digest>::digest(text.to_string()));
        assert_eq!(row["hash"], before.as_str());
    }
    assert!(audit(&["verify", "--head", &head]).0);
    let tampered = rusqlite::Connection::open(world.data.path().join("portal.db")).unwrap();
    assert!(tampered.execute("DELETE FROM audit WHERE number = 5", []).is_err(), "the database itself refuses");
    tampered.execute_batch("DROP TRIGGER audit_is_not_removed; DELETE FROM audit WHERE number >= 5").unwrap();
    assert!(audit(&["verify"]).0, "nothing shows without the head");
    let (fine, _, why) = audit(&["verify", "--head", &head]);
    assert!(!fine && why.contains("row 5"), "{why}");
    let log = AuditLog::open(world.data.path()).unwrap();
    assert_eq!(log.verify(Some(&head.parse().unwrap())).unwrap().broken.unwrap().fault, Fault::CutOff);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_key_comes_first_and_revoking_takes_one() {
    let world = World::with(|config| config.two_persons = true).await;
    let person = world.applicant(AccountKind::Enterprise).await;
    handed_in(&person).await;
    let staff = &world.running.desk_staff;
    let key = crate::world::Key::generate();
    let id = handed_in(&person).await;
    for member in staff {
        world.desk().acting_as(&member.name).unwrap().decide(&id.to_string(), Review::Approve).unwrap();
    }
    let issued: certdesk_contract::certificate::IssuedCertificate = person.certify(id, &key).await.expect(200).json();
    let der = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, issued.certificate_b64).unwrap();
    person.client.post(&path::installation(id), &key.installation(id, &der)).await.expect(200);
    let asked = serde_json::json!({ "purpose": "lost_key", "account": person.account });
    person.client.post(path::CODES, &asked).await.expect(202);
    let message = world.client().sms().await.remove(0).text;
    let code: String = message.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    let lost = serde_json::json!({ "account": person.account, "code": code, "circumstance": "stolen" });
    person.client.post_once(path::LOST_KEYS, Uuid::new_v4(), &lost).await.expect(201);

    let mut jia = Browser::of(&world, 0).await;
    jia.get("/desk").await.expect(200);
    let urgent = jia.page.find("认证锁被盗").expect("the queue says what happened");
    assert!(urgent < jia.page.rfind("新办").unwrap(), "a lost key is decided before what came earlier");
    let link = jia.page.split_once("/desk/cases/").unwrap().1;
    let urgent: Uuid = link.chars().take(36).collect::<String>().parse().unwrap();
    jia.decide(urgent, &[("decision", "approve")]).await.expect(303);
    jia.get(&case(urgent)).await.expect(200);
    assert!(jia.page.contains("已完成") && jia.page.contains("已注销"), "one member of staff revokes it at once");
}
