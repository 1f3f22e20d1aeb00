//! Letters leave through a real SMTP server, and through relays that misbehave.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use andmekogu::locale::{LETTERS, Lang, TEXTS};
use andmekogu::mail::{Failure, Letter, Security, SettingsFault, Smtp, SmtpSettings};
use chrono::{DateTime, TimeZone as _, Utc};

use crate::harness::smtp::{SelfSigned, SmtpServer};

const READER: &str = "mari.maasikas@example.ee";

fn letter() -> Letter {
    Letter {
        id: "0198c2c4-7f3a-7000-8000-000000000001".to_owned(),
        to: READER.to_owned(),
        lang: Lang::Et,
        subject: "Algatatud on uus menetlus nr 12".to_owned(),
        body: "Lugupeetud adressaat\n\nKõik on hästi.\n".to_owned(),
        date: Utc.with_ymd_and_hms(2026, 7, 7, 9, 30, 0).unwrap(),
    }
}

fn settings(address: SocketAddr) -> SmtpSettings {
    SmtpSettings {
        host: address.ip().to_string(),
        port: address.port(),
        security: Security::PlainOnLoopback,
        username: None,
        password: None,
        from: "Töötajate register <register@example.ee>".to_owned(),
        timeout: Duration::from_secs(30),
        hello_name: "app.example.ee".to_owned(),
        extra_root: None,
    }
}

fn plain(server: &SmtpServer) -> Smtp {
    Smtp::new(settings(server.address())).unwrap()
}

fn refused(change: impl FnOnce(&mut SmtpSettings)) -> SettingsFault {
    let mut settings = settings((Ipv4Addr::LOCALHOST, 25).into());
    change(&mut settings);
    Smtp::new(settings).unwrap_err()
}

fn assert_tells_nothing(failure: &Failure) {
    let told = format!("{failure} {failure:?}");
    assert!(!told.contains('@') && !told.contains("maasikas") && !told.contains("user"), "{told}");
}

mod a_letter {
    use super::*;

    #[test]
    fn arrives_with_the_words_that_were_written() {
        let server = SmtpServer::start("accept");
        let mut letter = letter();
        letter.subject =
            "Õiendus: jäääär, šašlõkk, ”tsitaat” ja väga pikk rida, mis ei mahu kuidagi ühele reale — nr 12".to_owned();
        letter.body = "Tere!\n\n.\n.algab punktiga\nFrom nowhere\n  taandega õhtu".to_owned();
        let sent = plain(&server).send(&letter).unwrap();

        let [received] = server.messages().try_into().unwrap();
        assert_eq!(received.header("Subject"), letter.subject);
        assert_eq!(received.body, letter.body);
        assert_eq!(received.mail_from, "register@example.ee");
        assert_eq!(received.rcpt_to, [READER]);
        assert_eq!(received.header("To"), READER);
        assert_eq!(received.header("From"), "Töötajate register <register@example.ee>");
        assert_eq!(received.header("Date"), "Tue, 07 Jul 2026 09:30:00 +0000");
        assert_eq!(received.header("Auto-Submitted"), "auto-generated");
        assert_eq!(received.header("Content-Language"), "et");
        assert_eq!(received.header("Content-Type"), "text/plain; charset=\"utf-8\"");
        assert_eq!(received.header("Message-ID"), "<0198c2c4-7f3a-7000-8000-000000000001@example.ee>");
        assert_eq!(sent.message_id, received.header("Message-ID"));
        assert!(received.raw.is_ascii(), "old relays take it too");
        assert!(received.raw.lines().all(|line| line.len() <= 998), "RFC 5322 § 2.1.1");
    }

    #[test]
    fn that_is_sent_again_is_known_by_its_id() {
        let server = SmtpServer::start("accept");
        let smtp = plain(&server);
        smtp.send(&letter()).unwrap();
        smtp.send(&letter()).unwrap();
        let [first, second] = server.messages().try_into().unwrap();
        assert_eq!(first.header("Message-ID"), second.header("Message-ID"));
    }

    #[test]
    fn of_every_kind_in_every_language_arrives_as_it_was_written() {
        let server = SmtpServer::start("accept");
        let smtp = plain(&server);
        let args: Vec<(&str, &str)> = ["register", "clause", "number", "link", "outcome", "decision", "remedies"]
            .iter()
            .chain(LETTERS.iter().flat_map(|letter| letter.variables))
            .map(|name| (*name, "ÕÄÖÜ-12"))
            .collect();
        let mut written = Vec::new();
        for lang in Lang::ALL {
            for kind in LETTERS.iter().map(|letter| letter.kind) {
                let text = |part| TEXTS.text(lang, &format!("{kind}-{part}"), &args);
                let letter = Letter { lang, subject: text("subject"), body: text("body"), ..letter() };
                smtp.send(&letter).unwrap();
                written.push((lang.code().to_owned(), letter.subject, letter.body));
            }
        }
        let arrived: Vec<_> = server
            .messages()
            .into_iter()
            .map(|m| (m.header("Content-Language").to_owned(), m.header("Subject").to_owned(), m.body))
            .collect();
        assert_eq!(arrived.len(), 80);
        assert_eq!(arrived, written);
    }

    #[test]
    fn to_an_address_beyond_ascii_goes_only_through_a_relay_that_takes_it() {
        let letter = Letter { to: "jüri@jõgi.example".to_owned(), ..letter() };
        let able = SmtpServer::start_with("accept", &["--smtputf8"]);
        plain(&able).send(&letter).unwrap();
        let [received] = able.messages().try_into().unwrap();
        assert_eq!(received.rcpt_to, ["jüri@jõgi.example"]);

        let unable = SmtpServer::start("accept");
        let failure = plain(&unable).send(&letter).unwrap_err();
        assert!(failure.lasting, "{failure}");
        assert!(!failure.reason.contains("jõgi"), "{failure}");
        assert_eq!(unable.messages(), []);
    }

    #[test]
    fn cannot_carry_headers_or_commands_of_somebody_else() {
        let server = SmtpServer::start("accept");
        let smtp = plain(&server);
        let with = |change: &dyn Fn(&mut Letter)| {
            let mut letter = letter();
            change(&mut letter);
            letter
        };
        let mut attempts = Vec::new();
        for newline in ["\r\n", "\n", "\r", "\0", "\u{85}"] {
            attempts.push(with(&|l| l.subject = format!("Tere{newline}Bcc: kuri@example.com")));
            attempts.push(with(&|l| l.to = format!("{READER}{newline}Bcc: kuri@example.com")));
            attempts.push(with(&|l| l.to = format!("{READER}>{newline}RCPT TO:<kuri@example.com")));
            attempts.push(with(&|l| l.to = format!("\"mari{newline}\"@example.ee")));
            attempts.push(with(&|l| l.id = format!("1{newline}Bcc: kuri@example.com")));
        }
        for to in [
            "",
            "mari",
            "mari.maasikas@example.ee, kuri@example.com",
            "Mari <mari.maasikas@example.ee>",
            "mari.maasikas@example.ee> NOTIFY=NEVER",
            "\"mari> RET=FULL\"@example.ee",
            "<mari.maasikas@example.ee>",
        ] {
            attempts.push(with(&|l| l.to = to.to_owned()));
        }
        for id in ["", "1@kuri.example", "1> <2", "õ", &"1".repeat(129)] {
            attempts.push(with(&|l| l.id = id.to_owned()));
        }
        attempts.push(with(&|l| l.date = DateTime::<Utc>::MIN_UTC));
        attempts.push(with(&|l| l.date = DateTime::<Utc>::MAX_UTC));
        for letter in attempts {
            let failure = smtp.send(&letter).unwrap_err();
            assert!(failure.lasting && failure.code.is_none(), "{failure:?}");
            assert!(!failure.reason.contains("kuri") && !failure.reason.contains("mari"), "{failure}");
        }
        assert_eq!(server.messages(), []);

        // In the body it is text.
        let body = "Tere\n.\nMAIL FROM:<kuri@example.com>\nRCPT TO:<kuri@example.com>\nDATA\n\n.";
        smtp.send(&with(&|l| l.body = body.to_owned())).unwrap();
        let bare = "Tere\r.\rMAIL FROM:<kuri@example.com>\r";
        smtp.send(&with(&|l| l.body = bare.to_owned())).unwrap();
        let [received, with_bare] = server.messages().try_into().unwrap();
        assert_eq!(received.body, body);
        assert_eq!(received.rcpt_to, [READER]);
        assert_eq!(with_bare.rcpt_to, [READER]);
        assert_eq!(with_bare.body, "Tere\n.\nMAIL FROM:<kuri@example.com>");
        let lines_end_well = |raw: &str| raw.matches('\r').count() == raw.matches("\r\n").count();
        assert!(lines_end_well(&with_bare.raw), "a lone CR could smuggle a second mail: {:?}", with_bare.raw);
    }

    #[test]
    fn shows_neither_reader_nor_text_when_printed() {
        let printed = format!("{:?}", letter());
        assert!(printed.contains("0198c2c4"), "{printed}");
        assert!(
            !printed.contains("maasikas") && !printed.contains("menetlus") && !printed.contains("hästi"),
            "{printed}"
        );
    }
}

mod a_relay {
    use super::*;

    #[test]
    fn that_refuses_the_reader_refuses_for_good() {
        let server = SmtpServer::start("reject");
        let failure = plain(&server).send(&letter()).unwrap_err();
        assert_eq!((failure.lasting, failure.code), (true, Some(550)));
        assert_tells_nothing(&failure);
        assert_eq!(server.messages(), []);
    }

    #[test]
    fn that_wants_another_try_later_gets_one() {
        let server = SmtpServer::start("tempfail");
        let failure = plain(&server).send(&letter()).unwrap_err();
        assert_eq!((failure.lasting, failure.code), (false, Some(451)));
        assert_tells_nothing(&failure);
    }

    #[test]
    fn with_a_grey_list_takes_the_letter_the_second_time() {
        let server = SmtpServer::start("greylist");
        let smtp = plain(&server);
        let failure = smtp.send(&letter()).unwrap_err();
        assert_eq!((failure.lasting, failure.code), (false, Some(451)));
        smtp.send(&letter()).unwrap();
        assert_eq!(server.messages().len(), 1);
    }

    #[test]
    fn that_drops_the_connection_is_tried_again() {
        let server = SmtpServer::start("drop");
        let failure = plain(&server).send(&letter()).unwrap_err();
        assert_eq!((failure.lasting, failure.code), (false, None));
        assert!(failure.reason.starts_with("RCPT: "), "{failure}");
    }

    #[test]
    fn that_never_answers_the_content_costs_one_time_limit() {
        let server = SmtpServer::start("hang");
        let timeout = Duration::from_secs(2);
        let smtp = Smtp::new(SmtpSettings { timeout, ..settings(server.address()) }).unwrap();
        let begun = Instant::now();
        let failure = smtp.send(&letter()).unwrap_err();
        assert!((timeout..timeout * 2).contains(&begun.elapsed()), "{:?}", begun.elapsed());
        assert_eq!((failure.lasting, failure.code), (false, None));
        assert_eq!(failure.reason, "the content: no answer within the time limit");
    }

    #[test]
    fn that_is_not_there_is_tried_again() {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let failure = Smtp::new(settings(free)).unwrap().send(&letter()).unwrap_err();
        assert_eq!((failure.lasting, failure.code), (false, None));
        assert_eq!(failure.reason, "connecting and greeting: connection refused");
    }

    #[test]
    fn whose_name_nobody_knows_is_tried_again() {
        let mut settings = settings((Ipv4Addr::LOCALHOST, 25).into());
        (settings.host, settings.security) = ("relay.invalid".to_owned(), Security::Tls);
        let failure = Smtp::new(settings).unwrap().send(&letter()).unwrap_err();
        assert_eq!((failure.lasting, failure.code), (false, None));
        assert!(failure.reason.starts_with("looking up the relay's address: "), "{failure}");
    }

    #[test]
    fn is_reached_by_its_name_too() {
        let server = SmtpServer::start("accept");
        Smtp::new(SmtpSettings { host: "localhost".to_owned(), ..settings(server.address()) })
            .unwrap()
            .send(&letter())
            .unwrap();
        assert_eq!(server.messages().len(), 1);
    }
}

mod tls {
    use super::*;

    fn over(security: Security, certificate: &SelfSigned) -> (SmtpServer, SmtpSettings) {
        let [file, key] = certificate.arguments();
        let option = if security == Security::Tls { "--tls" } else { "--starttls" };
        let server = SmtpServer::start_with("accept", &[option, &file, &key, "--auth", "register:sala:sõna"]);
        let settings = SmtpSettings {
            security,
            username: Some("register".to_owned()),
            password: Some("sala:sõna".to_owned()),
            extra_root: Some(certificate.certificate()),
            ..settings(server.address())
        };
        (server, settings)
    }

    const BOTH: [Security; 2] = [Security::StartTls, Security::Tls];

    #[test]
    fn carries_login_and_letter_to_a_relay_of_a_private_authority() {
        let certificate = SelfSigned::new("IP:127.0.0.1");
        for security in BOTH {
            let (server, settings) = over(security, &certificate);
            Smtp::new(settings).unwrap().send(&letter()).unwrap();
            assert_eq!(server.messages().len(), 1, "{security:?}");
        }
    }

    #[test]
    fn refuses_a_certificate_that_nobody_vouches_for() {
        let certificate = SelfSigned::new("IP:127.0.0.1");
        for security in BOTH {
            let (server, settings) = over(security, &certificate);
            let failure =
                Smtp::new(SmtpSettings { extra_root: None, ..settings }).unwrap().send(&letter()).unwrap_err();
            assert_eq!((failure.lasting, failure.code), (false, None), "{security:?}");
            assert!(failure.reason.ends_with(": the certificate's issuer is not trusted"), "{failure}");
            assert_eq!(server.messages(), []);
        }
    }

    #[test]
    fn refuses_a_certificate_of_another_host() {
        let certificate = SelfSigned::new("DNS:other.test");
        for security in BOTH {
            let (server, settings) = over(security, &certificate);
            let failure = Smtp::new(settings).unwrap().send(&letter()).unwrap_err();
            assert!(!failure.lasting && failure.reason.ends_with(": the certificate is for another name"), "{failure}");
            assert_eq!(server.messages(), []);
        }
    }

    #[test]
    fn refuses_a_certificate_of_the_past() {
        let certificate = SelfSigned::expired("IP:127.0.0.1");
        let (server, settings) = over(Security::Tls, &certificate);
        let failure = Smtp::new(settings).unwrap().send(&letter()).unwrap_err();
        assert!(!failure.lasting && failure.reason.ends_with(": the certificate has expired"), "{failure}");
        assert_eq!(server.messages(), []);
    }

    #[test]
    fn is_not_given_up_where_the_relay_does_not_offer_it() {
        let server = SmtpServer::start("accept");
        let settings = SmtpSettings { security: Security::StartTls, ..settings(server.address()) };
        let failure = Smtp::new(settings).unwrap().send(&letter()).unwrap_err();
        assert_eq!(
            failure,
            Failure { lasting: false, code: None, reason: "STARTTLS: the relay does not offer it".to_owned() }
        );
        assert_eq!(server.messages(), []);
    }

    #[test]
    fn from_the_first_byte_fails_in_time_where_the_relay_speaks_plainly() {
        let server = SmtpServer::start("accept");
        let settings = SmtpSettings { security: Security::Tls, ..settings(server.address()) };
        let failure = Smtp::new(settings).unwrap().send(&letter()).unwrap_err();
        assert_eq!(failure.reason, "connecting and greeting: TLS failed");
        assert!(!failure.lasting);
    }

    #[test]
    fn a_wrong_password_does_not_cost_the_letter() {
        let certificate = SelfSigned::new("IP:127.0.0.1");
        for security in BOTH {
            let (server, settings) = over(security, &certificate);
            let wrong = SmtpSettings { password: Some("vale".to_owned()), ..settings.clone() };
            let failure = Smtp::new(wrong).unwrap().send(&letter()).unwrap_err();
            assert_eq!((failure.lasting, failure.code), (false, Some(535)), "{failure}");
            let none = SmtpSettings { username: None, password: None, ..settings };
            let failure = Smtp::new(none).unwrap().send(&letter()).unwrap_err();
            assert_eq!((failure.lasting, failure.code), (false, Some(530)));
            assert_eq!(server.messages(), []);
        }
    }

    #[test]
    fn a_login_works_on_the_machine_itself_too() {
        let server = SmtpServer::start_with("accept", &["--auth", "register:sala"]);
        let (username, password) = (Some("register".to_owned()), Some("sala".to_owned()));
        Smtp::new(SmtpSettings { username, password, ..settings(server.address()) }).unwrap().send(&letter()).unwrap();
        assert_eq!(server.messages().len(), 1);
    }
}

mod settings {
    use super::*;

    #[test]
    fn without_tls_are_refused_for_any_other_machine() {
        for host in ["relay.example.ee", "10.0.0.1", "::2", "localhost.example.ee", "128.0.0.1"] {
            assert_eq!(refused(|s| s.host = host.to_owned()).setting, "security", "{host}");
        }
        for host in ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1", "localhost", "LOCALHOST"] {
            let settings = SmtpSettings { host: host.to_owned(), ..super::settings((Ipv4Addr::LOCALHOST, 25).into()) };
            assert!(Smtp::new(settings).is_ok(), "{host}");
        }
    }

    #[test]
    fn that_are_wrong_are_named() {
        for host in ["", "relay example", "relay\r\n", "õ.ee", "[::1]"] {
            assert_eq!(refused(|s| s.host = host.to_owned()).setting, "host", "{host}");
        }
        for name in ["", "app example", "app\r\nMAIL FROM:<kuri@example.com>", "õ.ee"] {
            assert_eq!(refused(|s| s.hello_name = name.to_owned()).setting, "hello_name", "{name}");
        }
        for from in ["", "register", "register@õ.ee", "a@example.ee, b@example.ee", "A\r\nBcc: <a@example.ee>"] {
            assert_eq!(refused(|s| s.from = from.to_owned()).setting, "from", "{from}");
        }
        assert_eq!(refused(|s| s.timeout = Duration::ZERO).setting, "timeout");
        assert_eq!(refused(|s| s.username = Some("register".to_owned())).setting, "password");
        assert_eq!(refused(|s| s.password = Some("sala".to_owned())).setting, "username");
        assert_eq!(refused(|s| s.extra_root = Some("ca.pem".into())).setting, "extra_root");
    }

    #[test]
    fn with_a_root_that_is_no_certificate_are_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        for (content, name) in [
            (None, "absent"),
            (Some(""), "empty"),
            (Some("mitte miski"), "text"),
            (Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "broken"),
            (Some("-----BEGIN CERTIFICATE-----\nAAAA\n"), "cut"),
        ] {
            let path = folder.path().join(name);
            if let Some(content) = content {
                std::fs::write(&path, content).unwrap();
            }
            let fault = refused(|s| (s.security, s.extra_root) = (Security::Tls, Some(path)));
            assert_eq!(fault.setting, "extra_root", "{name}");
        }
    }

    #[test]
    fn never_show_the_password() {
        let settings = SmtpSettings {
            username: Some("register".to_owned()),
            password: Some("maasikas ja piim".to_owned()),
            ..super::settings((Ipv4Addr::LOCALHOST, 25).into())
        };
        assert!(!format!("{settings:?}").contains("piim"));
        assert!(!format!("{:?}", Smtp::new(settings).unwrap()).contains("piim"));
    }
}

/// Relays that no honest server is: they answer each line with the next of their answers and then fall silent.
mod a_hostile_relay {
    use super::*;

    const HONEST: [&str; 6] = ["220 relay", "250 relay", "250 sender", "250 reader", "354 go on", "250 taken"];

    /// Where it listens, and what it is told, line by line.
    fn relay(
        speak: impl FnOnce(&mut TcpStream) + Send + 'static,
        answers: Vec<&'static str>,
    ) -> (SocketAddr, Receiver<String>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            speak(&mut stream);
            let mut answers = answers.into_iter();
            let mut answer = |stream: &mut TcpStream| {
                let text = answers.next().unwrap_or_default();
                if !text.is_empty() {
                    let _ = stream.write_all(format!("{text}\r\n").as_bytes());
                }
                text.starts_with("354")
            };
            let mut in_content = answer(&mut stream);
            for line in BufReader::new(stream.try_clone().unwrap()).split(b'\n') {
                let Ok(line) = line else { break };
                let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                if !in_content || line == "." {
                    in_content = answer(&mut stream);
                }
                let _ = tell.send(line);
            }
        });
        (address, told)
    }

    fn silent(_: &mut TcpStream) {}

    fn send(address: SocketAddr, timeout: Duration) -> (Result<(), Failure>, Duration) {
        send_over(Security::PlainOnLoopback, address, timeout)
    }

    fn send_over(security: Security, address: SocketAddr, timeout: Duration) -> (Result<(), Failure>, Duration) {
        let smtp = Smtp::new(SmtpSettings { timeout, security, ..settings(address) }).unwrap();
        let begun = Instant::now();
        (smtp.send(&letter()).map(|_| ()), begun.elapsed())
    }

    #[test]
    fn that_falls_silent_after_any_step_costs_one_time_limit_and_not_the_letter() {
        let timeout = Duration::from_secs(2);
        let starttls = ["220 relay", "250-relay\r\n250 STARTTLS", "220 go ahead"];
        let tries: Vec<_> = (0..HONEST.len())
            .map(|n| (Security::PlainOnLoopback, HONEST[..n].to_vec()))
            .chain((0..=starttls.len()).map(|n| (Security::StartTls, starttls[..n].to_vec())))
            .chain([(Security::Tls, vec![])])
            .map(|(security, answers)| thread::spawn(move || send_over(security, relay(silent, answers).0, timeout)))
            .collect();
        for (n, attempt) in tries.into_iter().enumerate() {
            let (result, took) = attempt.join().unwrap();
            let failure = result.unwrap_err();
            assert!(!failure.lasting && failure.reason.ends_with("no answer within the time limit"), "{n}: {failure}");
            assert!((timeout..timeout * 2).contains(&took), "{n}: {took:?}");
        }
    }

    #[test]
    fn that_is_slow_to_say_goodbye_delays_nobody() {
        let (result, took) = send(relay(silent, HONEST.to_vec()).0, Duration::from_secs(30));
        assert_eq!(result, Ok(()));
        assert!(took < Duration::from_secs(15), "{took:?}");
    }

    #[test]
    fn that_speaks_a_letter_a_time_gets_no_more_time_and_no_letter() {
        let timeout = Duration::from_secs(1);
        let drip = |stream: &mut TcpStream| {
            for letter in b"220 here comes a relay that likes to take its ti" {
                let _ = stream.write_all(&[*letter]);
                thread::sleep(Duration::from_millis(50));
            }
        };
        let (address, told) = relay(drip, [&["me"], &HONEST[1..]].concat());
        let (result, took) = send(address, timeout);
        assert_eq!(result.unwrap_err().reason, "connecting and greeting: no answer within the time limit");
        assert!((timeout..timeout * 2).contains(&took), "{took:?}");
        // The conversation that was given up ends before anything is said of the letter.
        let lines: Vec<String> = told.iter().collect();
        assert_eq!(lines, ["EHLO app.example.ee", "QUIT"]);
    }

    #[test]
    fn that_refuses_us_at_the_door_or_our_sender_has_not_refused_the_letter() {
        for (mut answers, code) in [
            (vec!["554 no service here"], 554),
            (vec!["220 relay", "550 who are you"], 550),
            (vec!["220 relay", "250 relay", "553 sender not yours"], 553),
            (vec!["220 relay", "250 relay", "250 sender", "530 log in first"], 530),
            (vec!["220 relay", "250 relay", "421 too busy"], 421),
        ] {
            answers.push("221 goodbye");
            let (result, _) = send(relay(silent, answers).0, Duration::from_secs(5));
            let failure = result.unwrap_err();
            assert_eq!((failure.lasting, failure.code), (false, Some(code)), "{failure}");
        }
    }

    #[test]
    fn that_refuses_the_content_refuses_the_letter() {
        let answers = vec![
            "220 relay",
            "250 relay",
            "250 sender",
            "250 reader",
            "354 go on",
            "554 5.7.1 spam for <mari.maasikas@example.ee>",
        ];
        let failure = send(relay(silent, answers).0, Duration::from_secs(5)).0.unwrap_err();
        assert_eq!((failure.lasting, failure.code), (true, Some(554)));
        assert_tells_nothing(&failure);
    }

    #[test]
    fn that_speaks_something_else_is_tried_again() {
        for nonsense in ["HTTP/1.1 400 Bad Request", "220", "\u{fffd}", "299 what", "220-never ending\r\n220-really"] {
            let (result, _) = send(relay(silent, vec![nonsense]).0, Duration::from_secs(1));
            let failure = result.unwrap_err();
            assert_eq!((failure.lasting, failure.code), (false, None), "{nonsense}: {failure}");
        }
        let latin = |stream: &mut TcpStream| stream.write_all(b"220 t\xf5re\r\n").unwrap();
        let failure = send(relay(latin, Vec::new()).0, Duration::from_secs(1)).0.unwrap_err();
        assert_eq!(failure.reason, "connecting and greeting: the relay's answer is not text");
    }
}
