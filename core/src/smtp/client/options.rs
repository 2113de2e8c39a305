//! TEMP
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueId(pub [u8; 16]);
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Body {
    #[default]
    SevenBit,
    EightBit,
    Binary,
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ret {
    Full,
    Headers,
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notify {
    pub success: bool,
    pub failure: bool,
    pub delay: bool,
}
impl Notify {
    pub fn is_never(&self) -> bool {
        !(self.success || self.failure || self.delay)
    }
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliverBy {
    pub at_ms: u64,
    pub returns: bool,
    pub trace: bool,
}
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailOptions {
    pub body: Body,
    pub utf8: bool,
    pub require_tls: bool,
    pub ret: Option<Ret>,
    pub envid: Option<String>,
    pub notify: Option<Notify>,
    pub orcpt: Option<String>,
    pub priority: i8,
    pub by: Option<DeliverBy>,
}
