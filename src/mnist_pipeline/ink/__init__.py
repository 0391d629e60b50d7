"""From a grey picture to the strokes of one digit: size, light, threshold, frames and lines, shapes, fit."""
