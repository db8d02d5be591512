//! Runs one proxy script (PAC) for one question. It sees the functions such scripts are promised, the time, and what names
//! resolve to; no file, no connection, nothing of this program.

mod functions;

use boa_engine::{
    Context, JsError, JsNativeError, JsResult, JsString, JsValue, NativeFunction, Script, Source,
    context::HostHooks,
    error::{EngineError, JsNativeErrorKind},
    js_string,
};
use certdesk_token::proxy_script::{Answer, MAX_TEXT, Question, ScriptError};
use functions::Names;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs as _, UdpSocket},
    rc::Rc,
    sync::mpsc,
    thread,
    time::Duration,
};
use time::{OffsetDateTime, UtcOffset};

/// Rounds of one loop. Lists of networks have some thousands.
const ROUNDS: u64 = 1_000_000;
/// Calls within calls.
const DEPTH: usize = 400;
/// Different names that a script may have resolved.
const MOST_NAMES: usize = 16;
/// For all of them together.
const NAME_TIME: Duration = Duration::from_secs(3);

/// What a script can find out of where it runs.
pub(crate) struct Surroundings {
    now: OffsetDateTime,
    address: IpAddr,
    lookup: fn(&str, Duration) -> Vec<IpAddr>,
}

impl Surroundings {
    /// Those of this computer.
    pub(crate) fn here() -> Self {
        let now = OffsetDateTime::now_utc();
        let now = now.to_offset(UtcOffset::local_offset_at(now).unwrap_or(UtcOffset::UTC));
        Self { now, address: own_address(), lookup }
    }
}

/// Asks the script, as browsers do: once it is read, `FindProxyForURL(url, host)` is called.
pub(crate) fn run(question: Question, surroundings: Surroundings) -> Answer {
    let Surroundings { now, address, lookup } = surroundings;
    let context = Context::builder().host_hooks(Rc::new(Zone(now.offset()))).build();
    let mut context = context.map_err(|error| told(&error))?;
    context.runtime_limits_mut().set_loop_iteration_limit(ROUNDS);
    context.runtime_limits_mut().set_recursion_limit(DEPTH);
    // The engine takes functions that hold nothing of their own; this process ends with the answer.
    let names = &*Box::leak(Box::new(Names::new(lookup, MOST_NAMES, NAME_TIME)));
    promise(&mut context, now, address, names).map_err(|error| told(&error))?;
    let script = Script::parse(Source::from_bytes(&question.script), None, &mut context);
    let script = script.map_err(|error| ScriptError::NoScript { reason: clipped(&error.to_string()) })?;
    script.evaluate(&mut context).map_err(|error| told(&error))?;
    let function = context.global_object().get(js_string!("FindProxyForURL"), &mut context);
    let function = function.map_err(|error| told(&error))?;
    let Some(function) = function.as_callable() else {
        return Err(ScriptError::NoScript { reason: "no function FindProxyForURL".into() });
    };
    let arguments = [question.url, question.host].map(|text| JsValue::from(JsString::from(text)));
    let answer = function.call(&JsValue::undefined(), &arguments, &mut context).map_err(|error| told(&error))?;
    match answer.as_string() {
        Some(text) => Ok(clipped(&text.to_std_string_lossy())),
        None if answer.is_null_or_undefined() => Ok(String::new()),
        None => Err(ScriptError::NoText { what: answer.type_of().to_owned() }),
    }
}

/// The functions that every such script may call.
fn promise(context: &mut Context, now: OffsetDateTime, address: IpAddr, names: &'static Names) -> JsResult<()> {
    let mut put =
        |name: &str, body: NativeFunction| context.register_global_builtin_callable(JsString::from(name), 0, body);
    put("alert", NativeFunction::from_copy_closure(|_, _, _| Ok(JsValue::undefined())))?;
    put("isPlainHostName", of_texts(|[host]| functions::is_plain(&host).into()))?;
    put("dnsDomainIs", of_texts(|[host, domain]| functions::is_of_domain(&host, &domain).into()))?;
    put("localHostOrDomainIs", of_texts(|[host, name]| functions::is_host_or_name(&host, &name).into()))?;
    put("dnsDomainLevels", of_texts(|[host]| JsValue::from(host.matches('.').count() as f64)))?;
    put("shExpMatch", of_texts(|[text, pattern]| functions::matches_shell(&text, &pattern).into()))?;
    put("convert_addr", of_texts(|[address]| JsValue::from(functions::number_of(&address))))?;
    put("isResolvable", of_texts(move |[host]| names.resolve(&host).is_some().into()))?;
    put(
        "dnsResolve",
        of_texts(move |[host]| names.resolve(&host).map_or(JsValue::null(), |address| text(&address.to_string()))),
    )?;
    put(
        "isInNet",
        of_texts(move |[host, net, mask]| {
            names.resolve(&host).is_some_and(|address| functions::is_in_net(address, &net, &mask)).into()
        }),
    )?;
    put("myIpAddress", of_texts(move |[]| text(&address.to_string())))?;
    put("weekdayRange", of_list(move |words| functions::weekday_range(words, now)))?;
    put("dateRange", of_list(move |words| functions::date_range(words, now)))?;
    put("timeRange", of_list(move |words| functions::time_range(words, now)))
}

/// A function of so many texts.
fn of_texts<const N: usize>(body: impl Fn([String; N]) -> JsValue + Copy + 'static) -> NativeFunction {
    NativeFunction::from_copy_closure(move |_, arguments, context| {
        let mut texts = [const { String::new() }; N];
        for (text, argument) in texts.iter_mut().zip(arguments) {
            *text = argument.to_string(context)?.to_std_string_lossy();
        }
        Ok(body(texts))
    })
}

/// A function of as many words as a caller gives, of which none needs more than seven.
fn of_list(body: impl Fn(&[String]) -> bool + Copy + 'static) -> NativeFunction {
    NativeFunction::from_copy_closure(move |_, arguments, context| {
        let words = arguments.iter().take(8).map(|argument| Ok(argument.to_string(context)?.to_std_string_lossy()));
        Ok(body(&words.collect::<JsResult<Vec<_>>>()?).into())
    })
}

fn text(text: &str) -> JsValue {
    JsString::from(text).into()
}

fn told(error: &JsError) -> ScriptError {
    let native = error.as_native().map(JsNativeError::kind);
    match (error.as_engine(), native) {
        (Some(EngineError::RuntimeLimit(_)), _) => ScriptError::Endless,
        (Some(_), _) => ScriptError::Broke,
        // A text that the script makes into a program.
        (None, Some(JsNativeErrorKind::Syntax)) => ScriptError::NoScript { reason: clipped(&error.to_string()) },
        (None, _) => ScriptError::Threw { reason: clipped(&error.to_string()) },
    }
}

/// One line of bounded length: it is shown to people.
fn clipped(text: &str) -> String {
    text.chars().take(MAX_TEXT).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Where this computer is, for `Date`.
struct Zone(UtcOffset);

impl HostHooks for Zone {
    fn local_timezone_offset_seconds(&self, _unix_time_seconds: i64) -> i32 {
        self.0.whole_seconds()
    }

    fn max_buffer_size(&self, _context: &mut Context) -> u64 {
        16 << 20
    }
}

/// The address that packets into the world leave from; nothing is sent to find it. Addresses for documentation stand for
/// the world (RFC 5737, RFC 3849): the way to them is the way to everywhere.
fn own_address() -> IpAddr {
    let by = |ours: IpAddr, world: IpAddr| {
        let socket = UdpSocket::bind((ours, 0)).ok()?;
        socket.connect((world, 9)).ok()?;
        socket.local_addr().ok().map(|address| address.ip()).filter(|ip| !ip.is_unspecified())
    };
    by(Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::new(192, 0, 2, 1).into())
        .or_else(|| by(Ipv6Addr::UNSPECIFIED.into(), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into()))
        .unwrap_or(Ipv4Addr::LOCALHOST.into())
}

/// What the system finds for a name in time. The system's own search cannot be broken off: it is left behind.
fn lookup(name: &str, patience: Duration) -> Vec<IpAddr> {
    let (sender, found) = mpsc::channel();
    let name = name.to_owned();
    let search = thread::Builder::new().stack_size(1 << 20).spawn(move || {
        let found = (name.as_str(), 0).to_socket_addrs();
        let _ = sender.send(found.map(|found| found.map(|address| address.ip()).collect()).unwrap_or_default());
    });
    search.ok().and_then(|_| found.recv_timeout(patience).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use time::macros::datetime;

    /// A Tuesday, twenty to three in the afternoon, in a network whose names are known here.
    fn surroundings() -> Surroundings {
        fn lookup(name: &str, _: Duration) -> Vec<IpAddr> {
            match name {
                "portal.corp.example" => vec!["fd00::1".parse().unwrap(), "10.1.2.3".parse().unwrap()],
                "far.example" => vec!["198.51.100.7".parse().unwrap()],
                "new.example" => vec!["2001:db8::7".parse().unwrap()],
                _ => Vec::new(),
            }
        }
        let now = datetime!(2026-03-17 14:40:30 +8);
        Surroundings { now, address: "10.1.9.9".parse().unwrap(), lookup }
    }

    fn asked(script: &str) -> Answer {
        let question = Question {
            script: script.into(),
            url: "https://portal.corp.example/".into(),
            host: "portal.corp.example".into(),
        };
        run(question, surroundings())
    }

    /// What an expression is in a script.
    fn says(expression: &str) -> String {
        let script = format!("function FindProxyForURL(url, host) {{ return '' + ({expression}); }}");
        asked(&script).unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    #[test]
    fn the_functions_are_those_that_scripts_are_promised() {
        for (expression, value) in [
            ("url + '|' + host", "https://portal.corp.example/|portal.corp.example"),
            ("isPlainHostName('www')", "true"),
            ("isPlainHostName('www.example')", "false"),
            ("dnsDomainIs('www.corp.example', '.corp.example')", "true"),
            ("dnsDomainIs('www', '.corp.example')", "false"),
            ("localHostOrDomainIs('www.corp.example', 'www.corp.example')", "true"),
            ("localHostOrDomainIs('www', 'www.corp.example')", "true"),
            ("localHostOrDomainIs('home.corp.example', 'www.corp.example')", "false"),
            ("isResolvable(host)", "true"),
            ("isResolvable('nowhere.example')", "false"),
            ("isInNet(host, '10.1.0.0', '255.255.0.0')", "true"),
            ("isInNet(host, '10.2.0.0', '255.255.0.0')", "false"),
            ("isInNet('198.95.249.79', '198.95.249.79', '255.255.255.255')", "true"),
            ("isInNet('nowhere.example', '0.0.0.0', '0.0.0.0')", "false"),
            ("isInNet(host, 'x', '255.0.0.0')", "false"),
            ("dnsResolve(host)", "10.1.2.3"),
            ("dnsResolve('new.example')", "2001:db8::7"),
            ("dnsResolve('nowhere.example')", "null"),
            ("convert_addr('104.16.41.2')", "1745889538"),
            ("convert_addr('255.255.255.255')", "4294967295"),
            ("myIpAddress()", "10.1.9.9"),
            ("dnsDomainLevels('www')", "0"),
            ("dnsDomainLevels('www.corp.example')", "2"),
            ("shExpMatch('http://home.example/people/index.html', '*/people/*')", "true"),
            ("shExpMatch('http://home.example/people/yourpage/index.html', '*/mypage/*')", "false"),
            ("typeof alert('x')", "undefined"),
            ("weekdayRange('MON', 'FRI')", "true"),
            ("dateRange('MAR')", "true"),
            ("timeRange(14)", "true"),
            ("new Date(0).getHours()", "8"),
            ("isPlainHostName()", "true"),
        ] {
            assert_eq!(says(expression), value, "{expression}");
        }
    }

    #[test]
    fn a_script_as_companies_write_them_finds_its_proxy() {
        let script = "// 公司代理\nvar p = 'PROXY proxy.corp.example:8080; DIRECT';\n\
            function FindProxyForURL(url, host) {\n  if (isPlainHostName(host) || shExpMatch(host, '*.local')) return 'DIRECT';\n\
              switch (true) { case isInNet(dnsResolve(host), '10.0.0.0', '255.0.0.0'): return p; }\n  return 'DIRECT';\n}";
        assert_eq!(asked(script), Ok("PROXY proxy.corp.example:8080; DIRECT".into()));
        assert_eq!(asked("function FindProxyForURL() { return null }"), Ok(String::new()), "nothing is named");
    }

    #[test]
    fn what_is_no_answer_is_told_apart() {
        let no_script = |script| matches!(asked(script), Err(ScriptError::NoScript { .. }));
        assert!(no_script("<html><body>Log in</body></html>"), "a page");
        assert!(no_script(""), "nothing");
        assert!(no_script("var FindProxyForURL = 7"), "no function");
        assert!(no_script("function findProxy() {}"), "another function");
        let threw = asked("function FindProxyForURL() { return proxies[0] }");
        assert!(
            matches!(&threw, Err(ScriptError::Threw { reason }) if reason.contains("proxies")),
            "quoted: {threw:?}"
        );
        let thrown = asked("function FindProxyForURL() { throw 'x\\n' + 'y'.repeat(9000) }");
        assert!(
            matches!(&thrown, Err(ScriptError::Threw { reason }) if reason.len() <= MAX_TEXT && !reason.contains('\n')),
            "in one line of bounded length"
        );
        let what = |what: &str| Err(ScriptError::NoText { what: what.into() });
        assert_eq!(asked("function FindProxyForURL() { return 7 }"), what("number"));
        assert_eq!(asked("async function FindProxyForURL() { return 'DIRECT' }"), what("object"));
    }

    #[test]
    fn a_script_without_end_is_stopped_and_cannot_catch_it() {
        for script in [
            "while (true) {}",
            "function FindProxyForURL() { try { for (;;) {} } catch (e) { return 'DIRECT' } }",
            "function FindProxyForURL() { return FindProxyForURL() }",
        ] {
            assert_eq!(asked(script), Err(ScriptError::Endless), "{script}");
        }
    }

    #[test]
    fn a_script_reaches_nothing_but_its_functions() {
        for name in ["require", "process", "fetch", "XMLHttpRequest", "Deno", "importScripts", "setTimeout", "console"]
        {
            assert_eq!(says(&format!("typeof {name}")), "undefined", "{name}");
        }
        let names = "(function () { var n = 0; for (var i = 0; i < 100; i++) n += isResolvable('a' + i + '.example'); \
                     return n + '|' + isResolvable('far.example') })()";
        assert_eq!(says(names), "0|false", "and resolves a bounded number of names");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_text_is_run_without_harm(text in "\\PC{0,200}", words in "[a-z(){}\\[\\];=+'\". 0-9]{0,120}") {
            let _ = asked(&text);
            let _ = asked(&words);
            let _ = asked(&format!("function FindProxyForURL(url, host) {{ {words} }}"));
        }

        #[test]
        fn any_answer_comes_back_as_it_is(answer in "[ -~]{0,200}") {
            let written = answer.replace('\\', "\\\\").replace('\'', "\\'");
            prop_assert_eq!(asked(&format!("function FindProxyForURL() {{ return '{written}' }}")), Ok(answer));
        }
    }
}
