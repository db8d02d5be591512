//! The cryptographic service below the applets (Trussed), in software, with every extension that the two ask for.

use trussed::{
    backend::{Backend as _, BackendId},
    platform::Platform,
    serde_extensions::{ExtensionDispatch, ExtensionId, ExtensionImpl},
    service::ServiceResources,
    types::Context,
};
use trussed_auth::AuthExtension;
use trussed_auth_backend::{AuthBackend, AuthContext, FilesystemLayout};
use trussed_chunked::ChunkedExtension;
use trussed_core::{
    Error,
    api::{Reply, Request, reply, request},
    types::{Bytes, Location},
};
use trussed_hpke::HpkeExtension;
use trussed_rsa_alloc::SoftwareRsa;
use trussed_staging::{StagingBackend, StagingContext};
use trussed_wrap_key_to_file::WrapKeyToFileExtension;

/// Who is asked, in this order; what all of them leave goes to Trussed itself.
pub(crate) const ORDER: &[BackendId<Backend>] = &[
    BackendId::Custom(Backend::Staging),
    BackendId::Custom(Backend::Auth),
    BackendId::Custom(Backend::Rsa),
    BackendId::Core,
];

#[derive(Clone, Copy, Debug)]
pub(crate) enum Backend {
    Staging,
    Auth,
    Rsa,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Extension {
    Auth,
    Chunked,
    Hpke,
    WrapKeyToFile,
}

impl From<Extension> for u8 {
    fn from(extension: Extension) -> u8 {
        extension as u8
    }
}

impl TryFrom<u8> for Extension {
    type Error = Error;

    fn try_from(number: u8) -> Result<Self, Error> {
        use Extension::*;
        [Auth, Chunked, Hpke, WrapKeyToFile].get(usize::from(number)).copied().ok_or(Error::InternalError)
    }
}

pub(crate) struct Soft {
    auth: AuthBackend,
    staging: StagingBackend,
}

#[derive(Default)]
pub(crate) struct SoftContext {
    auth: AuthContext,
    staging: StagingContext,
}

impl Soft {
    pub(crate) fn new() -> Self {
        let key = Bytes::try_from(&b"lab only"[..]).expect("a short key fits");
        let auth = AuthBackend::with_hw_key(Location::Internal, key, FilesystemLayout::V0);
        Self { auth, staging: StagingBackend::new() }
    }
}

impl ExtensionDispatch for Soft {
    type BackendId = Backend;
    type Context = SoftContext;
    type ExtensionId = Extension;

    fn core_request<P: Platform>(
        &mut self,
        backend: &Backend,
        context: &mut Context<SoftContext>,
        request: &Request,
        resources: &mut ServiceResources<P>,
    ) -> Result<Reply, Error> {
        let Context { core, backends, .. } = context;
        match backend {
            Backend::Auth => self.auth.request(core, &mut backends.auth, request, resources),
            Backend::Staging => self.staging.request(core, &mut backends.staging, request, resources),
            Backend::Rsa => SoftwareRsa.request(core, &mut (), request, resources),
        }
    }

    fn extension_request<P: Platform>(
        &mut self,
        backend: &Backend,
        extension: &Extension,
        context: &mut Context<SoftContext>,
        request: &request::SerdeExtension,
        resources: &mut ServiceResources<P>,
    ) -> Result<reply::SerdeExtension, Error> {
        let Context { core, backends, .. } = context;
        macro_rules! ask {
            ($backend:ident, $context:ident, $extension:ty) => {
                ExtensionImpl::<$extension>::extension_request_serialized(
                    &mut self.$backend,
                    core,
                    &mut backends.$context,
                    request,
                    resources,
                )
            };
        }
        match (backend, extension) {
            (Backend::Auth, Extension::Auth) => ask!(auth, auth, AuthExtension),
            (Backend::Staging, Extension::Chunked) => ask!(staging, staging, ChunkedExtension),
            (Backend::Staging, Extension::Hpke) => ask!(staging, staging, HpkeExtension),
            (Backend::Staging, Extension::WrapKeyToFile) => ask!(staging, staging, WrapKeyToFileExtension),
            _ => Err(Error::RequestNotAvailable),
        }
    }
}

macro_rules! ids {
    ($($extension:ty => $id:ident,)*) => {$(
        impl ExtensionId<$extension> for Soft {
            type Id = Extension;
            const ID: Extension = Extension::$id;
        }
    )*};
}

ids! {
    AuthExtension => Auth,
    ChunkedExtension => Chunked,
    HpkeExtension => Hpke,
    WrapKeyToFileExtension => WrapKeyToFile,
}
