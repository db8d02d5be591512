//! The two applets, and what they leave to the transport: choosing the application, chained commands, long answers.

use crate::backends;
use iso7816::{Command, Instruction, Status, command::CommandView};
use trussed::virt;

type Client<'a> = virt::Client<'a, backends::Soft>;

/// Most bytes in a command or an answer.
const LONGEST: usize = 7609;
type Buffer = heapless::Vec<u8, LONGEST>;

/// An application on the card.
pub(crate) trait Applet {
    fn command(&mut self, command: CommandView<'_>, answer: &mut Buffer) -> Result<(), Status>;
    /// Answer to reset.
    fn atr(&self) -> &'static [u8];
}

/// The PIV application (NIST SP 800-73-4).
pub(crate) struct Piv<'a> {
    applet: piv_authenticator::Authenticator<Client<'a>>,
    selected: bool,
}

impl<'a> Piv<'a> {
    pub(crate) fn new(client: Client<'a>) -> Self {
        let options = piv_authenticator::Options::new().uuid(Some(*b"lab-piv-card-001"));
        Self { applet: piv_authenticator::Authenticator::new(client, options), selected: false }
    }
}

/// SELECT with the full name; some ask by its beginning, which the applet does not take.
const SELECT_PIV: &[u8] = &[0, 0xa4, 4, 0, 11, 0xa0, 0, 0, 3, 8, 0, 0, 0x10, 0, 1, 0, 0];

impl Applet for Piv<'_> {
    fn command(&mut self, command: CommandView<'_>, answer: &mut Buffer) -> Result<(), Status> {
        if command.instruction() == Instruction::Select {
            if !command.data().starts_with(&SELECT_PIV[5..10]) {
                return Err(Status::NotFound);
            }
            self.selected = true;
            let select: Command<64> = Command::try_from(SELECT_PIV).expect("a well-formed command");
            return self.applet.respond(select.as_view(), answer);
        }
        if !self.selected {
            return Err(Status::ConditionsOfUseNotSatisfied);
        }
        self.applet.respond(command, answer)
    }

    fn atr(&self) -> &'static [u8] {
        &[0x3b, 0x95, 0x13, 0x81, 0x01, 0x80, 0x73, 0xff, 0x01, 0x00, 0x0b]
    }
}

/// The OpenPGP application (version 3.4).
pub(crate) struct OpenPgp<'a> {
    applet: opcard::Card<Client<'a>>,
    selected: bool,
}

impl<'a> OpenPgp<'a> {
    pub(crate) fn new(client: Client<'a>) -> Self {
        Self { applet: opcard::Card::new(client, opcard::Options::default()), selected: false }
    }
}

const OPENPGP: &[u8] = &[0xd2, 0x76, 0, 1, 0x24, 1];

impl Applet for OpenPgp<'_> {
    fn command(&mut self, command: CommandView<'_>, answer: &mut Buffer) -> Result<(), Status> {
        if command.instruction() == Instruction::Select {
            if !command.data().starts_with(OPENPGP) {
                return Err(Status::NotFound);
            }
            self.selected = true;
        }
        if !self.selected {
            return Err(Status::ConditionsOfUseNotSatisfied);
        }
        self.applet.handle(command, answer)
    }

    fn atr(&self) -> &'static [u8] {
        &[0x3b, 0x8f, 0x01, 0x80, 0x5d, 0x4e, 0x69, 0x74, 0x72, 0x6f, 0x6b, 0x65, 0x79, 0, 0, 0, 0, 0, 0x6a]
    }
}

/// PIV's GENERAL AUTHENTICATE, or OpenPGP's INTERNAL AUTHENTICATE or PSO: COMPUTE DIGITAL SIGNATURE; of a chain the last.
pub(crate) fn is_signature(command: &[u8]) -> bool {
    matches!(command, [class, 0x87 | 0x88, ..] | [class, 0x2a, 0x9e, 0x9a, ..] if class & 0x10 == 0)
}

/// Command chaining and GET RESPONSE (ISO 7816-4 §5.3).
#[derive(Default)]
pub(crate) struct Answering {
    chain: Option<Command<LONGEST>>,
    answer: Buffer,
    sent: usize,
}

impl Answering {
    /// What the card says to the bytes of a command, status word last.
    pub(crate) fn exchange(&mut self, applet: &mut dyn Applet, command: &[u8]) -> Vec<u8> {
        let mut said = Vec::new();
        let status = self.run(applet, command, &mut said).unwrap_or_else(|refusal| refusal);
        said.extend_from_slice(&<[u8; 2]>::from(status));
        said
    }

    fn run(&mut self, applet: &mut dyn Applet, bytes: &[u8], said: &mut Vec<u8>) -> Result<Status, Status> {
        let command: Command<LONGEST> = Command::try_from(bytes).map_err(|_| Status::WrongLength)?;
        if command.instruction() != Instruction::GetResponse {
            let is_last = command.class().chain().last_or_only();
            let whole = match self.chain.take() {
                None => command.clone(),
                Some(mut chain) => {
                    chain.extend_from_command(&command).map_err(|_| Status::WrongLength)?;
                    chain
                }
            };
            if !is_last {
                self.chain = Some(whole);
                return Ok(Status::Success);
            }
            self.answer.clear();
            self.sent = 0;
            applet.command(whole.as_view(), &mut self.answer)?;
        }
        let wanted = if command.expected() == 0 { 256 } else { command.expected() }; // no Le: all that fits
        let piece = wanted.min(self.answer.len() - self.sent);
        said.extend_from_slice(&self.answer[self.sent..self.sent + piece]);
        self.sent += piece;
        Ok(match self.answer.len() - self.sent {
            0 => Status::Success,
            left => Status::MoreAvailable(left.min(255) as u8),
        })
    }
}
