//! The bundles: from a folder, or the shipped ones that are compiled in.

use std::path::Path;

use crate::strategy::agent::{Bundle, BundleError};

/// Shipped bundles: name, `meta.json`, `model.onnx`.
const SHIPPED: [(&str, &[u8], &[u8]); 3] = [
    (
        "ppo_btcusdt_5m",
        include_bytes!("../../models/ppo_btcusdt_5m/meta.json"),
        include_bytes!("../../models/ppo_btcusdt_5m/model.onnx"),
    ),
    (
        "rppo_btcusdt_5m",
        include_bytes!("../../models/rppo_btcusdt_5m/meta.json"),
        include_bytes!("../../models/rppo_btcusdt_5m/model.onnx"),
    ),
    (
        "ppo_win16_ethusdt_5m",
        include_bytes!("../../models/ppo_win16_ethusdt_5m/meta.json"),
        include_bytes!("../../models/ppo_win16_ethusdt_5m/model.onnx"),
    ),
];

/// Where a bundle came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelSource {
    /// A folder.
    Folder(String),
    /// Compiled in.
    Shipped(String),
}

/// Names of the bundles that are compiled in.
#[must_use]
pub fn shipped_names() -> Vec<&'static str> {
    SHIPPED.iter().map(|(name, _, _)| *name).collect()
}

/// Loads and checks a bundle. A folder that exists is read; else the folder's name may be that of
/// a shipped bundle, so that the demo runs from anywhere.
///
/// # Errors
///
/// The first rule that the bundle breaks.
pub fn load_bundle(path: &Path) -> Result<(Bundle, ModelSource), BundleError> {
    let name = path
        .file_name()
        .and_then(|n| n.to_str())
        .unwrap_or_default();
    if !path.exists()
        && let Some((name, meta, onnx)) = SHIPPED.iter().find(|(shipped, _, _)| *shipped == name)
    {
        let bundle = Bundle::from_parts(meta, onnx, &format!("shipped {name}"))?;
        return Ok((bundle, ModelSource::Shipped((*name).to_owned())));
    }
    let bundle = Bundle::load(path)?;
    Ok((bundle, ModelSource::Folder(path.display().to_string())))
}
