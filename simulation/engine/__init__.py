"""The spherical-harmonic room engine in torch: image sources, a diffuse late field, any receiver, moving sources."""
