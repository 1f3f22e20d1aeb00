//! The stylesheet, the script and the icon: compiled in, and kept by browsers as long as they do not change, since
//! their address changes with them.

use std::sync::LazyLock;

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use sha2::{Digest as _, Sha256};

use super::Shown;
use crate::domain::hex;
use crate::web::problem::Problem;

/// A file that pages load.
struct Asset {
    name: String,
    media_type: &'static str,
    bytes: &'static [u8],
}

impl Asset {
    fn new(stem: &str, extension: &str, media_type: &'static str, bytes: &'static [u8]) -> Self {
        let digest = hex(&Sha256::digest(bytes));
        Self { name: format!("{stem}.{}.{extension}", &digest[..12]), media_type, bytes }
    }
}

static ASSETS: LazyLock<[Asset; 3]> = LazyLock::new(|| {
    [
        Asset::new("andmekogu", "css", "text/css; charset=utf-8", include_bytes!("../../../static/andmekogu.css")),
        Asset::new("andmekogu", "js", "text/javascript; charset=utf-8", include_bytes!("../../../static/andmekogu.js")),
        Asset::new("icon", "svg", "image/svg+xml", include_bytes!("../../../static/icon.svg")),
    ]
});

/// Addresses of what every page loads: stylesheet, script, icon.
pub fn addresses() -> [String; 3] {
    std::array::from_fn(|i| format!("/static/{}", ASSETS[i].name))
}

/// Gives a file.
///
/// # Errors
/// 404 for any other.
pub async fn serve(name: web::Path<String>) -> Shown {
    let asset = ASSETS.iter().find(|a| a.name == *name).ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok()
        .content_type(asset.media_type)
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(asset.bytes))
}
