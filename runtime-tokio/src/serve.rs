//! The daemon: opens the store, binds every door, serves until it is told to stop, then drains.

use std::io::{self, Write as _};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lightmail_core::config::{Config, Port};
use lightmail_core::machine::{Machine, Peer as PeerFacts, Secret, Seed};
use lightmail_core::store::{Actor, Reply, Request};
use lightmail_core::{imap, lmtp, smtp};
use lightmail_storage::Storage;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tracing::Instrument as _;

use crate::cli::{CliError, Loaded, make_account, random_octets};
use crate::listen::{Crowd, Listener};
use crate::session::{Clock, Peer, Socket, World, drive};

/// The account of the embedded default.
const FIRST_LOGIN: &str = "user@example.com";

/// Makes the machine of a new conversation.
type Greet = Arc<dyn Fn(PeerFacts, Seed) -> Box<dyn Machine + Send> + Send + Sync>;

/// A listener and what answers there.
struct Door {
    proto: &'static str,
    listener: Listener,
    greet: Greet,
}

/// Serves until SIGTERM or SIGINT.
pub async fn serve(loaded: Loaded) -> Result<(), CliError> {
    let mut config = loaded.config;
    config.server.hostname.get_or_insert_with(machine_name);
    let config = config;
    let storage = Storage::open(&config).await.map_err(CliError::failed)?;
    let doors = doors(&config).await?;
    let made = first_account(&config, &storage).await?;
    announce(&config, loaded.file.as_deref(), &doors, made.as_ref());

    let catch =
        |kind| signal(kind).map_err(|error| CliError::failed(format!("signals cannot be caught: {error}")));
    let (mut terminate, mut interrupt) = (catch(SignalKind::terminate())?, catch(SignalKind::interrupt())?);
    let (drain, draining) = watch::channel(false);
    let (alive, mut all_gone) = mpsc::channel::<()>(1);
    let house = House {
        clock: Clock::start(),
        storage: storage.clone(),
        draining,
        alive,
    };
    let crowd = Crowd::new(usize::try_from(config.limits.address_connections).unwrap_or(usize::MAX));
    let accepting: Vec<_> = doors
        .into_iter()
        .map(|door| tokio::spawn(accept(door, house.clone(), crowd.clone())))
        .collect();
    drop(house);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }

    tracing::info!("server.draining");
    accepting.iter().for_each(tokio::task::JoinHandle::abort);
    // An error: no conversation is open, so nobody listens.
    let _ = drain.send(true);
    let limit = Duration::from_secs(config.server.drain_seconds.into());
    if tokio::time::timeout(limit, all_gone.recv()).await.is_err() {
        tracing::warn!(limit_s = limit.as_secs(), "server.drain.overdue");
    }
    storage.close().await;
    tracing::info!("server.stopped");
    Ok(())
}

/// What every conversation is given.
#[derive(Clone)]
struct House {
    clock: Clock,
    storage: Storage,
    draining: watch::Receiver<bool>,
    /// Held as long as a conversation lives.
    alive: mpsc::Sender<()>,
}

/// Accepts until the task is aborted.
async fn accept(door: Door, house: House, crowd: Crowd) {
    loop {
        let (socket, address) = door.listener.accept().await;
        let address = address.map(|address| address.ip().to_canonical());
        let Some(seat) = crowd.enter(address) else {
            tracing::warn!(proto = door.proto, peer = %shown(address), "session.refused.too_many");
            continue;
        };
        let seed = match random_octets() {
            Ok(key) => Seed::new(key),
            Err(error) => {
                tracing::error!(%error, "session.refused.no_randomness");
                continue;
            }
        };
        let machine = (door.greet)(PeerFacts { address, tls: None }, seed);
        let span =
            tracing::info_span!("session", id = %session_id(), proto = door.proto, peer = %shown(address));
        let house = house.clone();
        tokio::spawn(
            async move {
                converse(machine, socket, &house).await;
                drop(seat);
                drop(house.alive);
            }
            .instrument(span),
        );
    }
}

async fn converse(machine: Box<dyn Machine + Send>, socket: Socket, house: &House) {
    let begun = Instant::now();
    tracing::debug!("session.opened");
    let world = World::new(house.clock, &house.storage, house.draining.clone());
    drive(machine, Peer::new(socket), world).await;
    let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(elapsed_ms, "session.closed");
}

fn shown(address: Option<IpAddr>) -> String {
    address.map_or_else(|| "unix".into(), |address| address.to_string())
}

/// Counts conversations, for the log.
fn session_id() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Binds every door that is enabled, or none.
async fn doors(config: &Config) -> Result<Vec<Door>, CliError> {
    let mut doors = Vec::new();
    if config.imap.enabled {
        let settings = Arc::new(imap::Settings::from_config(config));
        let greet: Greet =
            Arc::new(move |peer, seed| Box::new(imap::Session::new(peer, settings.clone(), seed)));
        bind_tcp(&mut doors, "imap", &config.imap.host, config.imap.port, &greet).await?;
    }
    if config.lmtp.enabled {
        let settings = Arc::new(smtp::Settings::lmtp(config));
        let greet: Greet = Arc::new(move |peer, seed| Box::new(lmtp::session(peer, settings.clone(), seed)));
        if let Some(socket) = config.lmtp_socket() {
            let listener =
                Listener::unix(Path::new(&socket)).map_err(|error| cannot_listen("lmtp", &socket, &error))?;
            doors.push(Door {
                proto: "lmtp",
                listener,
                greet: greet.clone(),
            });
        }
        bind_tcp(&mut doors, "lmtp", &config.lmtp.host, config.lmtp.port, &greet).await?;
    }
    Ok(doors)
}

/// Binds a port, unless it is off.
async fn bind_tcp(
    doors: &mut Vec<Door>,
    proto: &'static str,
    host: &str,
    port: Port,
    greet: &Greet,
) -> Result<(), CliError> {
    if let Some(port) = port.0 {
        let listener = Listener::tcp(host, port)
            .await
            .map_err(|error| cannot_listen(proto, &format!("{host}:{port}"), &error))?;
        doors.push(Door {
            proto,
            listener,
            greet: greet.clone(),
        });
    }
    Ok(())
}

/// The name by which this machine knows itself.
fn machine_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    if name.trim().is_empty() {
        "localhost".to_owned()
    } else {
        name.trim().to_owned()
    }
}

fn cannot_listen(section: &str, place: &str, error: &io::Error) -> CliError {
    let remedy = match error.kind() {
        io::ErrorKind::AddrInUse => "stop the server that is there, or choose another in the section",
        io::ErrorKind::PermissionDenied => "ports below 1024 and foreign folders need the right to use them",
        io::ErrorKind::NotFound => "its folder does not exist; make it, or choose another in the section",
        _ => "choose another in the section",
    };
    CliError::failed(format!("[{section}] cannot listen on {place}: {error}; {remedy}"))
}

/// What the configuration asks for and this version does not do.
fn not_served(config: &Config) -> Vec<&'static str> {
    let asked = [
        ("[tls]", config.tls.is_some()),
        ("[s3]", config.s3.is_some()),
        ("[pop3]", config.names("pop3")),
        ("[smtp_server]", config.names("smtp_server")),
        ("[smtp]", config.smtp.is_some()),
        ("[queue]", config.names("queue")),
        ("[dkim]", config.dkim.is_some()),
        ("[api]", config.names("api")),
        ("[antivirus]", config.antivirus.enabled),
        ("[garbage]", config.names("garbage")),
    ];
    asked
        .into_iter()
        .filter(|(_, asked)| *asked)
        .map(|(section, _)| section)
        .collect()
}

/// On the embedded default an empty database gets its first account, with a password that is printed once.
async fn first_account(config: &Config, storage: &Storage) -> Result<Option<Secret>, CliError> {
    if config.database.is_some() {
        return Ok(None);
    }
    match storage.run(Actor::Operator, Request::ListAccounts).await {
        Ok(Reply::Accounts(accounts)) if accounts.is_empty() => {
            let password = Secret(first_password()?);
            make_account(storage, FIRST_LOGIN, password.clone()).await?;
            Ok(Some(password))
        }
        Ok(_) => Ok(None),
        Err(failure) => Err(CliError::failed(format!(
            "the accounts cannot be listed: {failure:?}"
        ))),
    }
}

/// 80 random bits in letters and digits that nobody confuses.
fn first_password() -> Result<String, CliError> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let letters = random_octets()?
        .into_iter()
        .take(16)
        .map(|octet| char::from(LETTERS[usize::from(octet % 32)]));
    Ok(letters.collect())
}

/// Says where the server listens, and, the first time, how to send and read a first mail.
fn announce(config: &Config, file: Option<&Path>, doors: &[Door], made: Option<&Secret>) {
    let mut text = format!(
        "LightMail {} serves {}\n",
        env!("CARGO_PKG_VERSION"),
        config.server.hostname.as_deref().unwrap_or("localhost")
    );
    let source = file.map_or_else(
        || "none, so the embedded default".into(),
        |file| file.display().to_string(),
    );
    text += &format!(
        "  configuration  {source}\n  data           {}\n",
        config.server.data_dir
    );
    for door in doors {
        text += &format!("  {:<13}  {}\n", door.proto, door.listener.place());
    }
    for section in not_served(config) {
        text += &format!("  {section:<13}  configured, but this version has no such server yet\n");
        tracing::warn!(section, "section.not_served_yet");
    }
    if let Some(Secret(password)) = made {
        text += &format!(
            "\nA first account: {FIRST_LOGIN}\n       password: {password}   (shown this once; `lightmail user passwd {FIRST_LOGIN}` sets another)\n"
        );
        text += &first_mail(config, password);
    }
    text += "\nReady. SIGTERM or Ctrl-C stops it.\n";
    // A closed standard output is no reason to stop serving.
    let _ = io::stdout().write_all(text.as_bytes());
}

fn first_mail(config: &Config, password: &str) -> String {
    let [imap, lmtp] = [
        (&config.imap.host, config.imap.port),
        (&config.lmtp.host, config.lmtp.port),
    ]
    .map(|(host, port)| format!("{host}:{}", port.0.unwrap_or_default()));
    format!(
        "\nSend a first mail:  swaks --protocol LMTP --server {lmtp} --from me@example.org --to {FIRST_LOGIN}\nRead it:            curl -u '{FIRST_LOGIN}:{password}' 'imap://{imap}/INBOX;MAILINDEX=*'\n"
    )
}
