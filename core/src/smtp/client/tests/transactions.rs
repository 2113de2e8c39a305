//! Envelopes, and what each recipient is told.

use super::*;
use crate::store::queue::{DeliverBy, LateMail, Notify, Ret};

const CONTENT: &str = "C: Received: x\nC: Subject: hi\nC:\nC: Hello\nC: .\n";
const QUIT: &str = "C: QUIT\nS: 221 bye\nover\n";
/// Envelope and content of the first message to two recipients, to a server that pipelines.
const TWO: &str = "C: MAIL FROM:<s0@x.org>\nC: RCPT TO:<a0@y.org>\nC: RCPT TO:<b0@y.org>\nC: DATA\n";

fn play(job: Job, script: &str) -> Vec<String> {
    let mut play = Play::new(job);
    play.play(script);
    play.fates()
}

fn plain() -> String {
    format!("-> 192.0.2.1\n{HELLO}S: 250 mx.example\n")
}

/// One host, and a message whose options these are.
fn with(change: impl FnOnce(&mut MailOptions)) -> Job {
    let mut job = job(&[1]);
    job.hosts.truncate(1);
    change(&mut job.deliveries[0].recipients[0].options);
    job
}

/// RFC 5321, 3.3: one command after the other, where the server does not pipeline.
#[test]
fn commands_wait_for_their_replies() {
    let script = "C: MAIL FROM:<s0@x.org>\nS: 250 ok\nC: RCPT TO:<a0@y.org>\nS: 550 5.1.1 unknown\nC: RCPT TO:<b0@y.org>\nS: 251 forwarded\n\
                  C: DATA\nS: 354 go\n";
    let told = play(
        job(&[2]),
        &format!("{}{script}{CONTENT}S: 250 taken\n{QUIT}", plain()),
    );
    assert_eq!(told, ["0: refused 550 5.1.1 unknown", "1: delivered 250 taken"]);
}

/// RFC 5321, 4.1.1.4: no DATA without recipients; and nothing behind a MAIL that was refused.
#[test]
fn without_recipients_there_is_no_content() {
    let script = "C: MAIL FROM:<s0@x.org>\nS: 250 ok\nC: RCPT TO:<a0@y.org>\nS: 550 a\nC: RCPT TO:<b0@y.org>\nS: 450 b\n";
    let told = play(job(&[2]), &format!("{}{script}{QUIT}", plain()));
    assert_eq!(told, ["0: refused 550 a", "1: later 450 b"]);
    let script = "C: MAIL FROM:<s0@x.org>\nS: 451 4.3.0 not now\n";
    let told = play(job(&[2]), &format!("{}{script}{QUIT}", plain()));
    assert_eq!(told, ["0: later 451 4.3.0 not now", "1: later 451 4.3.0 not now"]);
}

/// RFC 2920, 3.1: replies are counted; of DATA too, whatever became of the recipients.
#[test]
fn commands_are_pipelined() {
    let replies = "S: 250 ok\nS: 550 5.1.1 unknown\nS: 250 ok\nS: 354 go\n";
    let told = play(
        job(&[2]),
        &format!("{}{TWO}{replies}{CONTENT}S: 250 taken\n{QUIT}", offering("X")),
    );
    assert_eq!(told, ["0: refused 550 5.1.1 unknown", "1: delivered 250 taken"]);

    let replies = "S: 250 ok\nS: 550 a\nS: 550 b\nS: 354 go\nC: .\nS: 554 nobody\n";
    let told = play(job(&[2]), &format!("{}{TWO}{replies}{QUIT}", offering("X")));
    assert_eq!(told, ["0: refused 550 a", "1: refused 550 b"]);

    let replies = "S: 552 no\nS: 503 what\nS: 503 what\nS: 503 what\n";
    let told = play(job(&[2]), &format!("{}{TWO}{replies}{QUIT}", offering("X")));
    assert_eq!(told, ["0: refused 552 no", "1: refused 552 no"]);

    // A server that takes recipients of a message which it has refused takes none.
    let replies = "S: 552 no\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: .\nS: 250 ok\n";
    let told = play(job(&[2]), &format!("{}{TWO}{replies}{QUIT}", offering("X")));
    assert_eq!(told, ["0: refused 552 no", "1: refused 552 no"]);
}

/// RFC 5321, 4.1.1.4: DATA may be refused, and the whole message.
#[test]
fn content_may_be_refused() {
    for (code, fate) in [("451 a", "later 451 a"), ("554 5.7.1 b", "refused 554 5.7.1 b")] {
        let told = play(
            job(&[1]),
            &format!(
                "{}C: MAIL FROM:<s0@x.org>\nS: 250 ok\nC: RCPT TO:<a0@y.org>\nS: 250 ok\nC: DATA\nS: {code}\n{QUIT}",
                plain()
            ),
        );
        assert_eq!(told, [format!("0: {fate}")]);
        let replies = "S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go\n";
        let told = play(
            job(&[2]),
            &format!("{}{TWO}{replies}{CONTENT}S: {code}\n{QUIT}", offering("X")),
        );
        assert_eq!(told, [format!("0: {fate}"), format!("1: {fate}")]);
    }
}

/// RFC 5321, 4.1.1.5: what was begun and not ended is reset before the next message.
#[test]
fn a_connection_takes_several_messages() {
    let first =
        "C: MAIL FROM:<s0@x.org>\nC: RCPT TO:<a0@y.org>\nC: DATA\nS: 250 ok\nS: 550 no\nS: 503 nobody\n";
    let second = "C: RSET\nC: MAIL FROM:<s1@x.org>\nC: RCPT TO:<a1@y.org>\nC: DATA\nS: 250 forgotten\nS: 250 ok\nS: 250 ok\nS: 354 go\n";
    let third = "C: MAIL FROM:<s2@x.org>\nC: RCPT TO:<a2@y.org>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n";
    let told = play(
        job(&[1, 1, 1]),
        &format!(
            "{}{first}{second}{CONTENT}S: 250 second\n{third}{CONTENT}S: 250 third\n{QUIT}",
            offering("X")
        ),
    );
    assert_eq!(
        told,
        [
            "0: refused 550 no",
            "10: delivered 250 second",
            "20: delivered 250 third"
        ]
    );
    let serial = "C: MAIL FROM:<s0@x.org>\nS: 250 ok\nC: RCPT TO:<a0@y.org>\nS: 550 no\nC: RSET\nS: 250 ok\nC: MAIL FROM:<s1@x.org>\nS: 450 no\n";
    let told = play(job(&[1, 1]), &format!("{}{serial}{QUIT}", plain()));
    assert_eq!(told, ["0: refused 550 no", "10: later 450 no"]);
}

/// RFC 5321, 4.5.3.1.10.
#[test]
fn too_many_recipients_have_another_transaction() {
    for code in ["452 4.5.3 too many", "552 too many"] {
        let first = format!("S: 250 ok\nS: 250 ok\nS: {code}\nS: 354 go\n{CONTENT}S: 250 first\n");
        let second =
            "C: MAIL FROM:<s0@x.org>\nC: RCPT TO:<b0@y.org>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n";
        let told = play(
            job(&[2]),
            &format!(
                "{}{TWO}{first}{second}{CONTENT}S: 250 second\n{QUIT}",
                offering("X")
            ),
        );
        assert_eq!(told, ["0: delivered 250 first", "1: delivered 250 second"]);
    }
    // A full mailbox is another thing, and so is a server that takes nobody at all.
    let replies = format!("S: 250 ok\nS: 250 ok\nS: 452 4.2.2 full\nS: 354 go\n{CONTENT}S: 250 first\n");
    let told = play(job(&[2]), &format!("{}{TWO}{replies}{QUIT}", offering("X")));
    assert_eq!(told, ["0: delivered 250 first", "1: later 452 4.2.2 full"]);
    let replies = "S: 250 ok\nS: 452 a\nS: 452 b\nS: 503 nobody\n";
    let told = play(job(&[2]), &format!("{}{TWO}{replies}{QUIT}", offering("X")));
    assert_eq!(told, ["0: later 452 a", "1: later 452 b"]);
}

/// RFC 5321, 4.5.3.1.8: every server takes a hundred.
#[test]
fn a_transaction_has_a_hundred_recipients() {
    let mut job = job(&[1]);
    let one = job.deliveries[0].recipients[0].clone();
    job.deliveries[0].recipients = (0..=250)
        .map(|number| JobRecipient {
            id: QueueId([number; 16]),
            ..one.clone()
        })
        .collect();
    let mut play = Play::new(job);
    play.world
        .feed(play.talk, b"220 x\r\n250-x\r\n250 PIPELINING\r\n");
    for size in [100, 100, 51] {
        play.world.feed(
            play.talk,
            format!("{}354 go\r\n250 taken\r\n", "250 ok\r\n".repeat(size + 1)).as_bytes(),
        );
    }
    play.world.feed(play.talk, b"221 bye\r\n");
    assert!(play.world.is_over(play.talk));
    assert_eq!(play.sent().matches("MAIL FROM").count(), 3);
    assert_eq!(play.fates().len(), 251);
}

/// RFC 5321, 3.8: a server may close at any time, and says so.
#[test]
fn service_ends_with_421() {
    let hello = format!("-> 192.0.2.2\n{HELLO}S: 250-mx.example\nS: 250 PIPELINING\n");
    // In the envelope: nothing has gone out, and the next host is asked.
    for replies in [
        "S: 421 bye\n",
        "S: 250 ok\nS: 421 bye\n",
        "S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 421 bye\n",
    ] {
        let rest =
            format!("{hello}{TWO}S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go\n{CONTENT}S: 250 taken\n{QUIT}");
        let told = play(job(&[2]), &format!("{}{TWO}{replies}{rest}", offering("X")));
        assert_eq!(told, ["0: delivered 250 taken", "1: delivered 250 taken"]);
    }
    // Behind the content: it is not taken, and the others are sent to the same server once more.
    let first = format!(
        "C: MAIL FROM:<s0@x.org>\nC: RCPT TO:<a0@y.org>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n{CONTENT}S: 421 bye\n"
    );
    let second = format!(
        "C: MAIL FROM:<s1@x.org>\nC: RCPT TO:<a1@y.org>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n{CONTENT}S: 250 taken\n"
    );
    let told = play(
        job(&[1, 1]),
        &format!("{}{first}{}{second}{QUIT}", offering("X"), offering("X")),
    );
    assert_eq!(told, ["0: later 421 bye", "10: delivered 250 taken"]);
}

/// What is offered is used: RFC 1870, 3; RFC 6152, 2; RFC 6531, 3.4; RFC 3461, 4; RFC 8689, 2; RFC 6710, 3; RFC 2852, 4.
#[test]
fn parameters_are_written_where_they_are_understood() {
    let all = |options: &mut MailOptions| {
        *options = MailOptions {
            body: MailBody::EightBit,
            utf8: true,
            require_tls: true,
            ret: Some(Ret::Headers),
            envid: Some("QQ314159".to_owned()),
            notify: Some(Notify {
                success: true,
                failure: true,
                delay: false,
            }),
            orcpt: Some("rfc822;a0@y.org".to_owned()),
            priority: -3,
            by: Some(DeliverBy {
                until_ms: 1_772_000_120_000,
                late: LateMail::Return,
                trace: true,
            }),
        };
    };
    let everything = "SIZE 1000,8BITMIME,SMTPUTF8,DSN,REQUIRETLS,MT-PRIORITY,DELIVERBY 60,STARTTLS";
    let offered: String = everything
        .split(',')
        .map(|keyword| format!("S: 250-{keyword}\n"))
        .collect();
    let tls = format!(
        "C: STARTTLS\nS: 220 go\nC: EHLO us.example\nS: 250-mx.example\n{offered}S: 250 PIPELINING\n"
    );
    let script = "C: MAIL FROM:<s0@x.org> SIZE=35 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=QQ314159 REQUIRETLS MT-PRIORITY=-3 BY=120;RT\n\
                  C: RCPT TO:<a0@y.org> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;a0@y.org\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n";
    let mut play = Play::new(Job {
        tls: TlsPolicy::Verified,
        ..with(all)
    });
    play.play(&format!(
        "{}{tls}{script}{CONTENT}S: 250 taken\n{QUIT}",
        offering(everything)
    ));
    let report = play.report();
    assert!(
        matches!(
            report.done[0].fate,
            Fate::Delivered {
                dsn: true,
                deliver_by: true,
                ..
            }
        ),
        "{report:?}"
    );

    let few = |options: &mut MailOptions| {
        all(options);
        *options = MailOptions {
            body: MailBody::SevenBit,
            utf8: false,
            require_tls: false,
            by: None,
            ..options.clone()
        };
    };
    let script = "C: MAIL FROM:<s0@x.org>\nC: RCPT TO:<a0@y.org>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n";
    let mut play = Play::new(with(few));
    play.play(&format!("{}{script}{CONTENT}S: 250 taken\n{QUIT}", offering("X")));
    let report = play.report();
    assert!(
        matches!(
            report.done[0].fate,
            Fate::Delivered {
                dsn: false,
                deliver_by: false,
                ..
            }
        ),
        "{report:?}"
    );
}

/// RFC 3461, 4.1; RFC 2852, 4.1.4.2: a server that does not know by when is asked to tell of a delay.
#[test]
fn what_to_tell_of() {
    let notify = |success, failure, delay| Notify {
        success,
        failure,
        delay,
    };
    for (wanted, by, words) in [
        (None, false, ""),
        (Some(notify(false, false, false)), false, " NOTIFY=NEVER"),
        (Some(notify(true, false, true)), false, " NOTIFY=SUCCESS,DELAY"),
        (None, true, " NOTIFY=FAILURE,DELAY"),
        (Some(notify(true, false, false)), true, " NOTIFY=SUCCESS,DELAY"),
        (Some(notify(false, false, false)), true, " NOTIFY=NEVER"),
    ] {
        let job = with(|options| {
            options.notify = wanted;
            options.by = by.then_some(DeliverBy {
                until_ms: 0,
                late: LateMail::Notify,
                trace: false,
            });
        });
        let script = format!(
            "C: MAIL FROM:<s0@x.org>\nC: RCPT TO:<a0@y.org>{words}\nC: DATA\nS: 550 no\nS: 503 a\nS: 503 b\n{QUIT}"
        );
        assert_eq!(
            play(job, &format!("{}{script}", offering("DSN"))),
            ["0: refused 550 no"]
        );
    }
    let late = with(|options| {
        options.by = Some(DeliverBy {
            until_ms: 0,
            late: LateMail::Notify,
            trace: false,
        })
    });
    let script = format!(
        "C: MAIL FROM:<s0@x.org> BY=-999999999;N\nC: RCPT TO:<a0@y.org>\nC: DATA\nS: 550 no\nS: 503 a\nS: 503 b\n{QUIT}"
    );
    assert_eq!(
        play(late, &format!("{}{script}", offering("DELIVERBY"))),
        ["0: refused 550 no"]
    );
}

/// RFC 6152, 3; RFC 3030, 3; RFC 6531, 3.2; RFC 1870, 6.1; RFC 8689, 4.2.1; RFC 2852, 4.1.4.1: nothing is sent to who does not take it.
#[test]
fn what_a_server_lacks_is_told() {
    let by = |until_ms| {
        Some(DeliverBy {
            until_ms,
            late: LateMail::Return,
            trace: false,
        })
    };
    let now_ms = 1_772_000_000_000;
    type Change = Box<dyn Fn(&mut MailOptions)>;
    let table: [(Change, &str, &str); 9] = [
        (
            Box::new(|options| options.body = MailBody::EightBit),
            "X",
            "5.6.3 The server does not take 8-bit or binary mail",
        ),
        (
            Box::new(|options| options.body = MailBody::Binary),
            "BINARYMIME",
            "5.6.3 The server does not take 8-bit or binary mail",
        ),
        (
            Box::new(|options| options.utf8 = true),
            "8BITMIME",
            "5.6.7 The server does not take addresses and headers beyond ASCII",
        ),
        (
            Box::new(|_| ()),
            "SIZE 34",
            "5.3.4 The message is larger than the server takes",
        ),
        (
            Box::new(|options| options.require_tls = true),
            "REQUIRETLS",
            "5.7.10 The message is for encrypted ways only, and the server has not proven its name over TLS",
        ),
        (
            Box::new(move |options| options.by = by(now_ms)),
            "DELIVERBY",
            "5.4.7 The time for the delivery is over",
        ),
        (
            Box::new(move |options| options.by = by(now_ms + 9_000)),
            "DELIVERBY 10",
            "5.4.7 The server does not promise to deliver it in time",
        ),
        (
            Box::new(move |options| options.by = by(now_ms + 9_000)),
            "X",
            "5.4.7 The server does not promise to deliver it in time",
        ),
        (
            Box::new(|options| options.envid = Some("a b".to_owned())),
            "DSN",
            "5.5.4 The envelope identifier cannot be written into a command",
        ),
    ];
    for (change, offered, words) in table {
        let told = play(with(change), &format!("{}{QUIT}", offering(offered)));
        assert_eq!(told, [format!("0: refused {words}")], "{offered}");
    }
    let job = Job {
        tls: TlsPolicy::Implicit,
        ..with(|options| options.require_tls = true)
    };
    let words = "5.7.30 The message is for encrypted ways only, and the server does not promise one";
    assert_eq!(
        play(job, &format!("{}{QUIT}", offering("X"))),
        [format!("0: refused {words}")]
    );
}

/// RFC 8689, 4.2.1: the next host may offer more; and a report goes as it can.
#[test]
fn what_one_host_lacks_another_may_have() {
    let mut job = job(&[1, 1]);
    job.deliveries[0].recipients[0].options.utf8 = true;
    let second = "C: MAIL FROM:<s1@x.org>\nC: RCPT TO:<a1@y.org>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n";
    let first =
        "C: MAIL FROM:<s0@x.org> SMTPUTF8\nC: RCPT TO:<a0@y.org>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n";
    let next = format!("-> 192.0.2.2\n{HELLO}S: 250-mx.example\nS: 250-SMTPUTF8\nS: 250 PIPELINING\n");
    let told = play(
        job.clone(),
        &format!(
            "{}{second}{CONTENT}S: 250 b\nC: QUIT\nS: 221 bye\n{next}{first}{CONTENT}S: 250 a\n{QUIT}",
            offering("X")
        ),
    );
    assert_eq!(told, ["0: delivered 250 a", "10: delivered 250 b"]);
    // A host that is down today may have it tomorrow.
    let told = play(
        job,
        &format!(
            "{}{second}{CONTENT}S: 250 b\nC: QUIT\nS: 221 bye\n-> 192.0.2.2\nS: 450 down\n{QUIT}",
            offering("X")
        ),
    );
    assert_eq!(told, ["0: later 450 down", "10: delivered 250 b"]);

    let mut report = with(|options| options.require_tls = true);
    report.deliveries[0].sender = String::new();
    let script = "C: MAIL FROM:<>\nC: RCPT TO:<a0@y.org>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n";
    let told = play(
        report,
        &format!("{}{script}{CONTENT}S: 250 taken\n{QUIT}", offering("REQUIRETLS")),
    );
    assert_eq!(told, ["0: delivered 250 taken"]);
}

/// Threats A08: no address and no parameter ends a command.
#[test]
fn nothing_is_smuggled_into_a_command() {
    for evil in [
        "",
        "a@y.org>\r\nDATA",
        "a@y.org> SIZE=1",
        "a\0@y.org",
        "<a@y.org",
        "\"a>b\"@y.org",
    ] {
        let mut job = job(&[2]);
        job.deliveries[0].recipients[0].address = evil.to_owned();
        let script =
            "C: MAIL FROM:<s0@x.org>\nC: RCPT TO:<b0@y.org>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n";
        let told = play(
            job,
            &format!("{}{script}{CONTENT}S: 250 taken\n{QUIT}", offering("X")),
        );
        assert_eq!(
            told[0], "0: refused 5.1.3 The address cannot be written into a command",
            "{evil:?}"
        );
    }
    let mut job = with(|options| options.orcpt = Some("rfc822;a NOTIFY=NEVER".to_owned()));
    let told = play(job.clone(), &format!("{}{QUIT}", offering("DSN")));
    assert_eq!(
        told,
        ["0: refused 5.1.3 The address cannot be written into a command"]
    );
    job.deliveries[0].sender = "a@x.org>\r\nRCPT TO:<b@x.org".to_owned();
    let told = play(job, &format!("{}{QUIT}", offering("DSN")));
    assert_eq!(
        told,
        ["0: refused 5.1.7 The sender cannot be written into a command"]
    );
}
