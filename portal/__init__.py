"""Click2Dial Portal: a telephone number becomes a call on whatever phone system a company has."""

from pathlib import Path

from flask import Flask

from portal.config import Config


def create_app(config: Config | None = None) -> Flask:
    """Build the application from its parts."""
    from portal import calls, cli, logs, web  # noqa: PLC0415 - commands and pages import the models in turn
    from portal.database import configure_sqlite, engine_options, hide_values  # noqa: PLC0415
    from portal.extensions import db, migrate  # noqa: PLC0415
    from portal.keyring import Keyring  # noqa: PLC0415

    config = config or Config.from_environment()
    app = Flask(__name__)
    app.extensions["config"] = config
    app.extensions["keyring"] = Keyring(config.encryption_keys, config.key_file)
    app.extensions["dispatchers"] = calls.dispatchers(config)
    app.config.from_mapping(
        SECRET_KEY=config.secret_key,
        SQLALCHEMY_DATABASE_URI=config.database_uri,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(config.database_uri),
        MAX_CONTENT_LENGTH=64 * 1024,
        MAX_FORM_MEMORY_SIZE=64 * 1024,
    )
    db.init_app(app)
    migrate.init_app(app, db, directory=str(Path(app.root_path).parent / "migrations"))
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            configure_sqlite(db.engine)
        else:
            hide_values(db.engine)
    logs.init_app(app)
    web.init_app(app)
    cli.init_app(app)
    return app
