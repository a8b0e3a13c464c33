//! How does a tenant divide itself? Projects that it registered; a name that a node reports needs no registration.

use axum::{Json, extract::State, response::Response};
use releve_store::{
    audit_log::{self, Change},
    customers::{self, Project},
};
use releve_types::ids::ProjectId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    auth::{OperatorWriteScope, TenantScope},
    cursor::{self, Paged},
    error::{Code, Problem},
    input::{Command, Name, Page, Params, PathOf},
    lookup,
    write::Answer,
};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create, list))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProject {
    name: Name,
}

#[derive(Serialize, ToSchema)]
pub struct ProjectView {
    id: String,
    name: String,
    created_at: String,
}

impl From<&Project> for ProjectView {
    fn from(project: &Project) -> Self {
        Self { id: project.id.to_string(), name: project.name.clone(), created_at: project.created_at.to_string() }
    }
}

/// Registers a project of a tenant.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/projects", tag = "customers", params(("tenant" = String, Path)),
    request_body = NewProject,
    responses((status = 201, body = ProjectView)), security(("api_key" = ["operator:write"])))]
async fn create(
    scope: OperatorWriteScope,
    State(app): State<AppState>,
    PathOf(reference): PathOf<String>,
    Command { input, repeat }: Command<NewProject>,
) -> Result<Response, Problem> {
    let actor = scope.caller().actor();
    app.write(scope.caller(), repeat, move |conn, now| {
        Box::pin(async move {
            let tenant = lookup::tenant(conn, &reference).await?;
            let project = Project { id: ProjectId::fresh(now), name: input.name.0, created_at: now };
            if !customers::insert_project(conn, tenant.id, &project).await? {
                return Err(Problem::new(Code::NameTaken, "the tenant has a project of this name").at("name"));
            }
            let view = ProjectView::from(&project);
            let after = Some(json!({ "tenant": tenant.id.to_string(), "project": view }));
            let change = Change { actor, action: "project.create", subject: view.id.clone(), before: None, after };
            audit_log::add(conn, &change, now).await?;
            Answer::created(&view)
        })
    })
    .await
}

/// Lists a tenant's registered projects by name.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/projects", tag = "tenant", params(("tenant" = String, Path), Page),
    responses((status = 200, body = Paged<ProjectView>)), security(("api_key" = ["tenant:read"]), ("api_key" = ["operator:read"])))]
async fn list(
    scope: TenantScope,
    State(app): State<AppState>,
    Params(query): Params<Page>,
) -> Result<Json<Paged<ProjectView>>, Problem> {
    let request = format!("projects of {}", scope.id());
    let after: Option<String> = cursor::decode(&request, query.cursor.as_deref())?;
    let mut tx = scope.begin(&app).await?;
    let after = after.as_deref().unwrap_or_default();
    let rows = customers::projects(&mut tx, scope.id(), after, query.limit.and_one()).await?;
    let view = |project: Project| ProjectView::from(&project);
    Ok(Json(Paged::of(rows, query.limit, &request, |last| last.name.clone(), view)?))
}
