"""The Magento side of the sandbox: REST API, media files and control routes, over one SQLite file."""
