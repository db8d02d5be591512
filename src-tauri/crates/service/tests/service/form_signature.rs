//! The form signed by the key of the session, and what must not pass for it.

use certdesk_contract::{ProblemCode, application::*, catalogue::Catalogue, path, session::Session};
use certdesk_domain::{AccountKind, Business, RequirementId, State, form::Particulars, token::SignatureScheme};
use certdesk_forms::{FormData, application_form};
use certdesk_pki::{Certificate, pdf};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{
    token_login::Login,
    world::{Applicant, Client, Key, World, applicant, file, handler, hex, registration},
};

pub(crate) const FORM: &str = "application_form";

/// A service that offers 续订 to everybody at any time, for a form that a key may sign and nothing else.
async fn offering_renewal(automatic: bool) -> World {
    let mut catalogue: Catalogue = serde_json::from_str(include_str!("../../data/catalogue.json")).unwrap();
    let renewals = catalogue.offers.iter_mut().filter(|offer| offer.business == Business::Renew);
    for offer in renewals {
        (offer.automatic, offer.validity_years) = (automatic, 3);
        offer.requirements.retain(|requirement| requirement.is_form);
        assert!(offer.requirements[0].key_signature, "the embedded catalogue lets the key sign");
    }
    catalogue.renewal.opens_days = 1000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalogue.json");
    std::fs::write(&path, serde_json::to_vec(&catalogue).unwrap()).unwrap();
    World::with(|config| config.catalogue = Some(path)).await
}

/// A form; another reference, another form.
pub(crate) fn form(reference: &str) -> Vec<u8> {
    let data = FormData {
        business: Business::Renew,
        account: AccountKind::Enterprise,
        unit_name: Some("福州云帆测试科技有限公司".into()),
        legal_representative: Some("王䶮".into()),
        handler: handler(),
        certificate: None,
        changes: Vec::new(),
        reason: None,
        key_signature: true,
        ca_name: "演示 CA".into(),
        reference: reference.into(),
        date: time::macros::date!(2026 - 11 - 22),
    };
    application_form(&data).unwrap().bytes
}

/// It, signed by a key.
pub(crate) fn signed(form: &[u8], key: &Key, certificate: &[u8]) -> Vec<u8> {
    let prepared = pdf::prepare(form, certificate, &[], time::OffsetDateTime::now_utc()).unwrap();
    let signature = key.sign(&prepared.to_be_signed());
    prepared.finish(SignatureScheme::EcdsaP256Sha256, &signature).unwrap()
}

/// Somebody with a certificate, logged in with its key, and a case of 续订.
struct Renewal {
    world: World,
    person: Applicant,
    key: Key,
    certificate: Vec<u8>,
    id: Uuid,
    particulars: Particulars,
}

impl Renewal {
    async fn new() -> Self {
        Self::of(offering_renewal(false).await).await
    }

    async fn of(world: World) -> Self {
        let person = world.applicant(AccountKind::Enterprise).await;
        let key = Key::generate();
        let certificate = person.certified(&world.desk(), &key).await;
        let session: Session = Login::new(&world, &key, &certificate).honest().await.0.expect(201).json();
        let act_key = Some((key.clone(), certificate.clone()));
        let client = crate::world::Client { act_key, ..world.client().with_token(&session) };
        let person = Applicant { client, ..person };
        let id = Uuid::now_v7();
        let serial = Certificate::parse(&certificate).unwrap().serial;
        let draft = ApplicationDraft { business: Business::Renew, certificate: Some(serial.clone()) };
        person.client.put(&path::application(id), &draft).await.expect(200);
        let particulars = Particulars { certificate: Some(serial), ..Particulars::default() };
        Self { world, person, key, certificate, id, particulars }
    }

    fn client(&self) -> &Client {
        &self.person.client
    }

    /// Uploads a file under the form and makes a submission that names `form` as the one made.
    async fn submission(&self, bytes: &[u8], form: &[u8]) -> Submission {
        let upload = self.person.upload(self.id, FORM, bytes).await;
        let attachments = vec![SubmittedAttachment { requirement: RequirementId(FORM.into()), upload }];
        Submission {
            form_sha256: Some(hex(&Sha256::digest(form))),
            particulars: self.particulars.clone(),
            ..self.person.submission(attachments).await
        }
    }

    async fn hand_in(&self, submission: &Submission) -> crate::world::Answer {
        self.client().post_once(&path::submission(self.id), Uuid::new_v4(), submission).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_key_signed_is_shown_as_signed() {
    let case = Renewal::new().await;
    let form = form("A");
    let submission = case.submission(&signed(&form, &case.key, &case.certificate), &form).await;
    let receipt: Receipt = case.hand_in(&submission).await.expect(200).json();
    let signer = FormSigner {
        holder: "福州云帆测试科技有限公司".into(),
        serial: Certificate::parse(&case.certificate).unwrap().serial,
    };
    assert_eq!(receipt.application.attachments[0].signed_by.as_ref(), Some(&signer), "the applicant sees whose key");
    let desk = case.world.desk();
    let dossier = desk.show(&receipt.number).unwrap();
    assert_eq!(dossier.application.attachments[0].signed_by.as_ref(), Some(&signer), "and so does the reviewer");

    // Returned for a field: the old signature does not cover the new form.
    let remarks = vec![
        Remark { target: RemarkTarget::Field("phone".into()), text: "请核对".into() },
        Remark { target: RemarkTarget::Files(RequirementId(FORM.into())), text: "请核对".into() },
    ];
    desk.decide(&receipt.number, Review::Return { remarks }).unwrap();
    let made_anew = self::form("B");
    let mut changed = Submission { form_sha256: Some(hex(&Sha256::digest(&made_anew))), ..submission.clone() };
    changed.handler.phone = "13900139000".into();
    case.hand_in(&changed).await.refused(ProblemCode::FormSignatureInvalid);
    // Where nothing changed, what was signed stays signed, though the form was made anew on another day.
    let same = Submission { form_sha256: changed.form_sha256.clone(), ..submission.clone() };
    let again: Receipt = case.hand_in(&same).await.expect(200).json();
    assert_eq!(again.application.attachments[0].signed_by.as_ref(), Some(&signer));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_is_taken_and_what_only_looks_signed_is_not() {
    let case = Renewal::new().await;
    let form = form("A");
    let good = signed(&form, &case.key, &case.certificate);
    let mut altered = good.clone();
    altered[200] ^= 1;
    let stranger = Key::generate();
    let mut other = registration(AccountKind::Enterprise);
    other.phone = "13700137000".into();
    other.organisation.as_mut().unwrap().credit_code = "91350100M000200YX8".into();
    let other = applicant(&case.world.client(), other).await;
    let foreign = other.certified(&case.world.desk(), &stranger).await;
    let mut feigned = file("pdf", 5000);
    feigned[100..200].copy_from_slice(&[b' '; 100]);
    feigned[100..130].copy_from_slice(b"<</Type/Sig/ByteRange[0 1 2 3]");
    for (bytes, why) in [
        (altered, "a form that was changed after it was signed"),
        (signed(&form, &stranger, &foreign), "a form signed by another's key"),
        (signed(&self::form("B"), &case.key, &case.certificate), "another form than the submission names"),
        ([good.as_slice(), b"\n%%EOF"].concat(), "a file with something behind its signature"),
        (feigned, "a file made to look signed"),
    ] {
        let submission = case.submission(&bytes, &form).await;
        let answer = case.hand_in(&submission).await;
        assert_eq!(answer.problem().code, ProblemCode::FormSignatureInvalid, "{why} is refused");
    }
    // Printed, stamped, scanned: nobody's key signed it, and nothing says so.
    let submission = case.submission(&file("pdf", 5000), &form).await;
    let receipt: Receipt = case.hand_in(&submission).await.expect(200).json();
    assert_eq!(receipt.application.attachments[0].signed_by, None, "a scan is not called signed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_in_a_session_by_key_waits_for_a_reviewer() {
    let case = Renewal::of(offering_renewal(true).await).await;
    let form = form("A");
    let submission = case.submission(&file("pdf", 5000), &form).await;
    let receipt: Receipt = case.hand_in(&submission).await.expect(200).json();
    assert_eq!(receipt.application.state, State::Submitted, "nobody's key signed it: somebody has to look");
}
