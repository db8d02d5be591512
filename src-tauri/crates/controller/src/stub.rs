use serde_json as _; use uuid::Uuid; use certdesk_contract::{account::*, application::Review, catalogue::Catalogue}; use certdesk_domain::{Business, RequirementId, form::Registration, region::Region}; use crate::{Controller, command::Faults, failure::Failure, view::*};
impl Controller {
pub async fn home(&self) -> Result<Home, Failure> { unimplemented!() }
pub async fn save_settings(&self, settings: Settings) -> Result<(), Failure> { unimplemented!() }
pub async fn catalogue(&self) -> Result<Catalogue, Failure> { unimplemented!() }
pub async fn regions(&self) -> Result<Vec<Region>, Failure> { unimplemented!() }
pub async fn refresh_keys(&self) -> Result<KeyStrip, Failure> { unimplemented!() }
pub async fn accept_consent(&self, subject: ConsentSubject, version: String) -> Result<ConsentReceipt, Failure> { unimplemented!() }
pub async fn check_registration(&self, registration: Registration) -> Result<Faults, Failure> { unimplemented!() }
pub async fn register(&self, registration: Registration) -> Result<RegistrationReceipt, Failure> { unimplemented!() }
pub async fn log_in_with_password(&self, account: String, password: String) -> Result<SessionView, Failure> { unimplemented!() }
pub async fn change_password(&self, current: String, replacement: String) -> Result<SessionView, Failure> { unimplemented!() }
pub async fn log_out(&self) -> Result<(), Failure> { unimplemented!() }
pub async fn prepare_pin(&self, purpose: PinPurpose) -> Result<PinPrompt, Failure> { unimplemented!() }
pub async fn start_application(&self, business: Business) -> Result<DraftView, Failure> { unimplemented!() }
pub async fn draft(&self, id: Uuid) -> Result<DraftView, Failure> { unimplemented!() }
pub async fn save_field(&self, id: Uuid, field: String, value: String) -> Result<DraftView, Failure> { unimplemented!() }
pub async fn save_step(&self, id: Uuid, step: Step) -> Result<DraftView, Failure> { unimplemented!() }
pub async fn make_form(&self, id: Uuid) -> Result<DraftView, Failure> { unimplemented!() }
pub async fn discard_draft(&self, id: Uuid) -> Result<(), Failure> { unimplemented!() }
pub async fn pick_files(&self, id: Uuid, requirement: RequirementId) -> Result<DraftView, Failure> { unimplemented!() }
pub async fn add_dropped(&self, id: Uuid, requirement: RequirementId) -> Result<DraftView, Failure> { unimplemented!() }
pub async fn remove_attachment(&self, attachment: Uuid) -> Result<DraftView, Failure> { unimplemented!() }
pub async fn cancel_upload(&self, attachment: Uuid) -> Result<DraftView, Failure> { unimplemented!() }
pub async fn retry_upload(&self, attachment: Uuid) -> Result<DraftView, Failure> { unimplemented!() }
pub async fn save_form_copy(&self, id: Uuid) -> Result<Option<String>, Failure> { unimplemented!() }
pub async fn media_url(&self, attachment: Uuid) -> Result<String, Failure> { unimplemented!() }
pub async fn submit(&self, id: Uuid, declared_true: bool) -> Result<ReceiptView, Failure> { unimplemented!() }
pub async fn applications(&self) -> Result<Vec<ApplicationView>, Failure> { unimplemented!() }
pub async fn application(&self, id: Uuid) -> Result<ApplicationView, Failure> { unimplemented!() }
pub async fn start_correction(&self, id: Uuid) -> Result<DraftView, Failure> { unimplemented!() }
pub async fn certificates(&self) -> Result<Vec<CertificateView>, Failure> { unimplemented!() }
pub async fn demo_sms(&self) -> Result<Vec<SmsMessage>, Failure> { unimplemented!() }
pub async fn demo_queue(&self) -> Result<Vec<certdesk_contract::application::Application>, Failure> { unimplemented!() }
pub async fn demo_review(&self, id: Uuid, review: Review) -> Result<certdesk_contract::application::Application, Failure> { unimplemented!() }
}
