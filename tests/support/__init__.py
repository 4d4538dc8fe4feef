"""What the tests stand on: databases, people, servers, browser and telephones."""
