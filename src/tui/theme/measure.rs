//! How far apart two colours are, for any eyes.
//!
//! Contrast is WCAG 2.1's ratio; the difference is CIEDE2000 (Sharma, Wu, Dalal 2005); the
//! deficiencies are simulated with the severity-1.0 matrices of Machado, Oliveira and Fernandes
//! (2009), applied to linear light.

#![expect(
    clippy::many_single_char_names,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "formulas keep the letters of their papers; channels are clamped before the cast"
)]

/// Red, green, blue.
pub type Rgb = [u8; 3];

/// CIE L*a*b*, D65.
pub type Lab = [f64; 3];

/// A kind of colour vision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deficiency {
    /// No red cones.
    Protan,
    /// No green cones.
    Deutan,
    /// No blue cones.
    Tritan,
}

impl Deficiency {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Protan, Self::Deutan, Self::Tritan];

    const fn matrix(self) -> [[f64; 3]; 3] {
        match self {
            Self::Protan => [
                [0.152_286, 1.052_583, -0.204_868],
                [0.114_503, 0.786_281, 0.099_216],
                [-0.003_882, -0.048_116, 1.051_998],
            ],
            Self::Deutan => [
                [0.367_322, 0.860_646, -0.227_968],
                [0.280_085, 0.672_501, 0.047_413],
                [-0.011_820, 0.042_940, 0.968_881],
            ],
            Self::Tritan => [
                [1.255_528, -0.076_749, -0.178_779],
                [-0.078_411, 0.930_809, 0.147_602],
                [0.004_733, 0.691_367, 0.303_900],
            ],
        }
    }
}

fn to_linear(channel: u8) -> f64 {
    let c = f64::from(channel) / 255.0;
    if c <= 0.040_45 {
        c / 12.92
    } else {
        ((c + 0.055) / 1.055).powf(2.4)
    }
}

fn from_linear(value: f64) -> u8 {
    let v = value.clamp(0.0, 1.0);
    let c = if v <= 0.003_130_8 {
        v * 12.92
    } else {
        1.055 * v.powf(1.0 / 2.4) - 0.055
    };
    (c * 255.0).round().clamp(0.0, 255.0) as u8
}

fn luminance(color: Rgb) -> f64 {
    let [r, g, b] = color.map(to_linear);
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

/// Contrast ratio, 1 to 21.
#[must_use]
pub fn contrast(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// How a colour looks to eyes with a deficiency.
#[must_use]
pub fn simulate(color: Rgb, deficiency: Deficiency) -> Rgb {
    let light = color.map(to_linear);
    deficiency
        .matrix()
        .map(|row| from_linear(row.iter().zip(light).map(|(m, c)| m * c).sum()))
}

/// L*a*b* of a colour.
#[must_use]
pub fn lab(color: Rgb) -> Lab {
    let [r, g, b] = color.map(to_linear);
    let x = (0.412_456 * r + 0.357_576 * g + 0.180_438 * b) / 0.950_47;
    let y = 0.212_673 * r + 0.715_152 * g + 0.072_175 * b;
    let z = (0.019_334 * r + 0.119_192 * g + 0.950_304 * b) / 1.088_83;
    let f = |t: f64| {
        if t > 216.0 / 24_389.0 {
            t.cbrt()
        } else {
            (24_389.0 / 27.0 * t + 16.0) / 116.0
        }
    };
    let (x, y, z) = (f(x), f(y), f(z));
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// Plain distance in L*a*b*; good enough to pick the nearest entry of a palette.
#[must_use]
pub fn lab_distance(a: Lab, b: Lab) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

/// CIEDE2000 difference.
#[must_use]
pub fn ciede2000(one: Rgb, two: Rgb) -> f64 {
    let ([l1, a1, b1], [l2, a2, b2]) = (lab(one), lab(two));
    let pow7 = |c: f64| (c.powi(7) / (c.powi(7) + 25_f64.powi(7))).sqrt();
    let g = 0.5 * (1.0 - pow7(f64::midpoint(a1.hypot(b1), a2.hypot(b2))));
    let (a1, a2) = (a1 * (1.0 + g), a2 * (1.0 + g));
    let (c1, c2) = (a1.hypot(b1), a2.hypot(b2));
    let hue = |a: f64, b: f64| {
        if a == 0.0 && b == 0.0 {
            0.0
        } else {
            b.atan2(a).to_degrees().rem_euclid(360.0)
        }
    };
    let (h1, h2) = (hue(a1, b1), hue(a2, b2));
    let grey = c1 * c2 == 0.0;
    let turn = if grey {
        0.0
    } else {
        (h2 - h1 + 180.0).rem_euclid(360.0) - 180.0
    };
    let (dl, dc) = (l2 - l1, c2 - c1);
    let dh = 2.0 * (c1 * c2).sqrt() * (turn.to_radians() / 2.0).sin();
    let (l, c) = (f64::midpoint(l1, l2), f64::midpoint(c1, c2));
    let h = if grey {
        h1 + h2
    } else if (h1 - h2).abs() <= 180.0 {
        f64::midpoint(h1, h2)
    } else {
        (f64::midpoint(h1, h2) + 180.0).rem_euclid(360.0)
    };
    let cos = |degrees: f64| degrees.to_radians().cos();
    let t = 1.0 - 0.17 * cos(h - 30.0) + 0.24 * cos(2.0 * h) + 0.32 * cos(3.0 * h + 6.0)
        - 0.20 * cos(4.0 * h - 63.0);
    let rotation = 2.0
        * pow7(c)
        * -(60.0 * (-((h - 275.0) / 25.0).powi(2)).exp())
            .to_radians()
            .sin();
    let lightness = (l - 50.0).powi(2);
    let sl = 1.0 + 0.015 * lightness / (20.0 + lightness).sqrt();
    let (sc, sh) = (1.0 + 0.045 * c, 1.0 + 0.015 * c * t);
    let (l, c, h) = (dl / sl, dc / sc, dh / sh);
    (l * l + c * c + h * h + rotation * c * h).max(0.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_pairs_have_their_known_numbers() {
        // Contrast and differences measured in the project's UX study.
        let ground = [0x12, 0x14, 0x18];
        let (sky, orange) = ([0x56, 0xB4, 0xE9], [0xE6, 0x9F, 0x00]);
        assert!((contrast(sky, ground) - 8.0).abs() < 0.1);
        assert!((ciede2000(sky, orange) - 54.0).abs() < 1.0);
        let (green, red) = ([0x26, 0xA6, 0x9A], [0xEF, 0x53, 0x50]);
        for (deficiency, wanted) in [
            (Deficiency::Protan, 20.0),
            (Deficiency::Deutan, 29.0),
            (Deficiency::Tritan, 66.0),
        ] {
            let seen = ciede2000(simulate(green, deficiency), simulate(red, deficiency));
            assert!((seen - wanted).abs() < 1.0, "{deficiency:?}: {seen}");
        }
        assert!(ciede2000(sky, sky) < 1e-9);
        assert!((contrast([0; 3], [255; 3]) - 21.0).abs() < 1e-9);
    }
}
