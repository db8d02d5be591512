//! 查询服务: how an application stands, without login. Nothing asked or answered here is kept.

use certdesk_contract::{
    Problem, ProblemCode,
    query::{Query, QueryAnswer},
};
use certdesk_portal::PortalError;

use crate::{Controller, command::Faults, failure::Failure};

impl Controller {
    /// What is not right in a query yet.
    pub async fn check_query(&self, query: Query) -> Result<Faults, Failure> {
        Ok(Faults { faults: certdesk_domain::check::query(&query) })
    }

    /// The applications that any two of number, identity and phone belong to, newest first. Empty where there is none,
    /// or where the items do not belong together: the service does not tell which.
    pub async fn query_applications(&self, query: Query) -> Result<Vec<QueryAnswer>, Failure> {
        let faults = certdesk_domain::check::query(&query);
        if !faults.is_empty() {
            // What the service would say, without asking it.
            return Err(PortalError::Problem(Problem::new(ProblemCode::InvalidFields).with_faults(faults)).into());
        }
        let answer = self.portal()?.query(&query).await;
        self.noted(answer)
    }
}
