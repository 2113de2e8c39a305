//! What comes out depends on what a server says, not on how its octets are cut; and whatever it says, everybody is told of once.

use proptest::prelude::*;

use super::*;

/// Three messages to one or two recipients; some need what not every server has.
fn any_job() -> impl Strategy<Value = Job> {
    (
        proptest::collection::vec(1u8..4, 0..4),
        any::<(bool, bool, bool)>(),
    )
        .prop_map(|(counts, (utf8, binary, strict))| {
            let mut job = job(&counts);
            for recipient in job
                .deliveries
                .iter_mut()
                .take(1)
                .flat_map(|mail| &mut mail.recipients)
            {
                recipient.options.utf8 = utf8;
                recipient.options.body = if binary {
                    MailBody::Binary
                } else {
                    MailBody::SevenBit
                };
            }
            // By STARTTLS, what a server writes before it and behind it are two streams.
            job.tls = if strict {
                TlsPolicy::Implicit
            } else {
                TlsPolicy::Never
            };
            job
        })
}

fn any_line() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => Just("250 ok\r\n".to_owned()),
        3 => Just("354 go\r\n".to_owned()),
        2 => Just("220 x\r\n".to_owned()),
        2 => Just("250-x\r\n250-BINARYMIME\r\n250-CHUNKING\r\n250-SMTPUTF8\r\n250-STARTTLS\r\n250 PIPELINING\r\n".to_owned()),
        2 => Just("250-x\r\n250 PIPELINING\r\n".to_owned()),
        1 => "(550|450|452|421|552|334|235|221)[ -]x\r\n",
        1 => "[2-5][0-9]{2}[ -]?[.0-9a-z]{0,3}\r?\n?",
        1 => Just("\0".to_owned()),
    ]
}

/// What is said on each connection.
fn any_servers() -> impl Strategy<Value = Vec<String>> {
    let server = proptest::collection::vec(any_line(), 0..24).prop_map(|lines| lines.concat());
    proptest::collection::vec(server, 0..4)
}

/// A client that has met these servers, each of which closes at its end, in pieces of so many octets.
fn run(job: &Job, servers: &[String], cut: usize) -> Play {
    let mut play = Play::new(job.clone());
    for server in servers {
        let connections = connects(&play);
        for piece in server.as_bytes().chunks(cut) {
            if connects(&play) == connections {
                play.world.feed(play.talk, piece);
            }
        }
        if connects(&play) == connections {
            play.world.close(play.talk);
        }
    }
    while !play.world.is_over(play.talk) {
        play.world.close(play.talk);
    }
    play
}

fn connects(play: &Play) -> usize {
    let connects = play
        .actions()
        .iter()
        .filter(|action| matches!(action, Action::Connect(_)));
    connects.count()
}

proptest! {
    #[test]
    fn any_cut_gives_the_same(job in any_job(), servers in any_servers(), cut in 1usize..40) {
        let mut whole = run(&job, &servers, usize::MAX);
        let (sent, told) = (whole.sent(), whole.fates());
        for cut in [1, cut] {
            let mut play = run(&job, &servers, cut);
            prop_assert_eq!(play.sent(), sent.as_str());
            prop_assert_eq!(&play.fates(), &told);
        }
    }

    /// Everybody is told of once, and no message is given away twice but to those who were too many for one transaction.
    #[test]
    fn a_message_is_given_away_once(job in any_job(), servers in any_servers()) {
        let mut play = run(&job, &servers, usize::MAX);
        let mut bodies: Vec<_> = play.actions().iter().filter_map(|action| match action {
            Action::SendObject { object, .. } => Some(*object),
            _ => None,
        }).collect();
        let sent = bodies.len();
        bodies.sort();
        bodies.dedup();
        let said = servers.concat();
        prop_assert!(bodies.len() == sent || said.contains("452") || said.contains("552"));
        let mut ids: Vec<_> = play.report().done.iter().map(|told| told.id.0).collect();
        ids.sort();
        let mut wanted: Vec<_> = job.deliveries.iter().flat_map(|mail| &mail.recipients).map(|one| one.id.0).collect();
        wanted.sort();
        prop_assert_eq!(ids, wanted);
    }
}
