//! One object on its way past clamd.

use std::fmt;
use std::io;
use std::sync::Arc;

use lightmail_core::antivirus::Virus;
use lightmail_core::clamd::{Answer, COMMAND, END, Fault, Found, head};
use lightmail_core::store::{Failure, ObjectId};

use super::pipe::Pipe;
use super::{Antivirus, Place};

/// The most octets of a chunk: enough for few of them, and a number that four octets hold.
const CHUNK: usize = 256 * 1024;

/// The tap of one object.
pub(crate) struct Tap {
    antivirus: Arc<Antivirus>,
    state: State,
}

enum State {
    /// Nothing has been shown yet.
    Unopened,
    /// clamd takes octets.
    Open(Pipe),
    /// It takes no more: what it has found, or why it cannot tell.
    Ended(Result<Found, String>),
}

impl Tap {
    pub(crate) fn new(antivirus: &Arc<Antivirus>) -> Self {
        Self {
            antivirus: Arc::clone(antivirus),
            state: State::Unopened,
        }
    }

    /// Shows the next octets. As soon as clamd takes no more of them they go by.
    pub(crate) async fn show(&mut self, octets: &[u8]) {
        if let State::Unopened = self.state {
            self.state = self.open().await;
        }
        for chunk in octets.chunks(CHUNK) {
            let State::Open(pipe) = &mut self.state else {
                return;
            };
            if let Err(error) = show_chunk(pipe, chunk).await {
                let ended = self.closed_early(error).await;
                self.state = State::Ended(ended);
            }
        }
    }

    /// What the object is, once its last octets were shown. Errors: `Unavailable` if that is not known and must be.
    pub(crate) async fn finish(mut self, object: ObjectId, rest: &[u8]) -> Result<Virus, Failure> {
        self.show(rest).await;
        let ended = match self.state {
            State::Ended(ended) => ended,
            State::Open(ref mut pipe) => match pipe.write(&END).await {
                Ok(()) => answer(pipe).await,
                Err(error) => self.closed_early(error).await,
            },
            State::Unopened => Err("clamd was not asked".to_owned()),
        };
        self.antivirus.conclude(object, ended)
    }

    async fn open(&self) -> State {
        let place = &self.antivirus.place;
        let opened = async {
            let mut pipe = Pipe::open(place, self.antivirus.times).await?;
            pipe.write(COMMAND).await?;
            Ok::<_, io::Error>(pipe)
        };
        match opened.await {
            Ok(pipe) => State::Open(pipe),
            Err(error) => State::Ended(Err(format!("no connection to clamd at {place}: {error}"))),
        }
    }

    /// clamd takes no more, and may have said why. That it has found nothing is worth nothing then: it has not seen all.
    async fn closed_early(&mut self, error: io::Error) -> Result<Found, String> {
        let State::Open(pipe) = &mut self.state else {
            return Err(error.to_string());
        };
        if error.kind() == io::ErrorKind::TimedOut {
            return Err(error.to_string());
        }
        match answer(pipe).await {
            Ok(Found::Nothing) => Err(Fault::Cut.to_string()),
            answer => answer,
        }
    }
}

async fn show_chunk(pipe: &mut Pipe, chunk: &[u8]) -> io::Result<()> {
    match head(chunk.len()) {
        Some(head) => {
            pipe.write(&head).await?;
            pipe.write(chunk).await
        }
        None => Ok(()),
    }
}

async fn answer(pipe: &mut Pipe) -> Result<Found, String> {
    let (mut answer, mut buffer) = (Answer::default(), [0; 512]);
    loop {
        let octets = pipe.read(&mut buffer).await;
        let octets = octets.map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => error.to_string(),
            // The connection was reset.
            _ => Fault::Cut.to_string(),
        })?;
        if octets.is_empty() {
            return Err(Fault::Cut.to_string());
        }
        if let Some(told) = answer.push(octets) {
            return told.map_err(|fault| fault.to_string());
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Tcp(host, port) => write!(f, "{host}:{port}"),
            Place::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}
