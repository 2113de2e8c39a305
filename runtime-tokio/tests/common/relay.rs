//! A relay: what speaks plain octets reaches a server through TLS.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use super::Server;

/// A running relay, killed when dropped. Each connection to its port is one through TLS to the server's IMAPS port.
pub struct Relay {
    child: Child,
    pub port: u16,
}

const SCRIPT: &str = r#"
import asyncio, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[1])
async def pump(reader, writer):
    try:
        while octets := await reader.read(65536):
            writer.write(octets)
            await writer.drain()
        writer.write_eof() if writer.can_write_eof() else writer.close()
    except (ConnectionError, ssl.SSLError):
        writer.close()
async def relay(reader, writer):
    near = reader, writer
    far = await asyncio.open_connection("127.0.0.1", int(sys.argv[2]), ssl=context)
    await asyncio.gather(pump(near[0], far[1]), pump(far[0], near[1]))
    near[1].close()
async def main():
    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"#;

impl Relay {
    /// A relay to a server, whose certificate it checks.
    pub fn start(server: &Server) -> Self {
        let mut child = Command::new("python3")
            .args(["-c", SCRIPT])
            .arg(server.certificate())
            .arg(server.imaps.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let said = child.stdout.take().unwrap();
        BufReader::new(said).read_line(&mut line).unwrap();
        let port = line.trim().parse().unwrap();
        Self { child, port }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
