"""Headers of every answer, of the API and of the links API alike; redirect.js has them too."""

SAFE_HEADERS = {
    "strict-transport-security": "max-age=31536000",
    "x-content-type-options": "nosniff",
}
"""Nobody asks by plain HTTP again for a year, and nobody guesses what a body might be."""
