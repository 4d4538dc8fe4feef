"""Commands for the console: ``flask --app wsgi …``."""

import socket
import sys
from dataclasses import replace
from pathlib import Path

import click
from flask import Flask
from flask.cli import AppGroup
from flask_migrate import upgrade
from sqlalchemy.exc import DBAPIError

from portal import (
    accounts,
    backup,
    calls,
    handlers,
    identity,
    keyring,
    keys,
    permissions,
    phones,
    retention,
    setup,
    targets,
)
from portal.accounts import Rights
from portal.dialing.template import OpenMode
from portal.errors import N_, ConfigError, PortalError
from portal.extensions import config
from portal.handlers import HandlerDraft
from portal.models import Role
from portal.phones import Check, Draft
from portal.targets import Decision


class Command(click.Command):
    """A command whose refusal is one sentence and never a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except PortalError as error:
            raise click.ClickException(str(error)) from None
        except DBAPIError as error:
            message = f"The database cannot be used: {error.orig}. Try: flask --app wsgi db upgrade"
            raise click.ClickException(message) from None


class Group(AppGroup):
    """A group of such commands."""

    command_class = Command


_ALLOW_TARGET = "Also let the server contact the host and port of URL."

commands = Group()
users_group = Group("users", help="People with an account.")
phones_group = Group("phones", help="Phones.")
handlers_group = Group("handlers", help="CTI handlers.")
targets_group = Group("targets", help="Where the server may send requests.")
dialling_group = Group("dialling", help="The switch that stops all dialling.")
keys_group = Group("keys", help="Keys that protect stored secrets.")


def init_app(app: Flask) -> None:
    """Add the commands."""
    for group in (
        users_group,
        phones_group,
        handlers_group,
        targets_group,
        dialling_group,
        keys_group,
    ):
        app.cli.add_command(group)
    for command in commands.commands.values():
        app.cli.add_command(command)


@users_group.command("create")
@click.argument("login")
@click.option("--role", type=click.Choice([role.value for role in Role]), default="user")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def create_user(login: str, role: str, *, password_stdin: bool) -> None:
    """Add a user."""
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    user = accounts.create(login, password, rights=Rights(role=Role(role)))
    click.echo(f"{user.login} can sign in now.")


@phones_group.command("set-default")
@click.argument("url")
@click.option("--open-mode", type=click.Choice([mode.value for mode in OpenMode]), default="server")
@click.option("--allow-target", is_flag=True, help=_ALLOW_TARGET)
def set_default_phone(url: str, open_mode: str, *, allow_target: bool) -> None:
    """Make URL the dial URL of the default phone."""
    stored = phones.default()
    draft = Draft.of(stored) if stored else Draft(name="Default phone", url="")
    draft = replace(draft, url=url, open_mode=OpenMode(open_mode))
    found = phones.check(draft, phones.rules())
    phones.save_default(draft, _decision(found, allow_target=allow_target))
    click.echo(f"Everybody calls with {url} now.")
    _report_target(found, allow_target=allow_target)


@handlers_group.command("add")
@click.argument("name")
@click.argument("url")
@click.option("--allow-target", is_flag=True, help=_ALLOW_TARGET)
def add_handler(name: str, url: str, *, allow_target: bool) -> None:
    """Let NAME at the start of dial URLs stand for URL."""
    draft = HandlerDraft(name, url)
    found = handlers.check(draft)
    handler = handlers.create(draft, _decision(found, allow_target=allow_target))
    click.echo(f"{handler.name}:// stands for {handler.url} now.")
    _report_target(found, allow_target=allow_target)


@targets_group.command("allow")
@click.argument("entry", metavar="HOST[:PORT]")
@click.option("--reason", default="", help="For whoever reads the list later.")
def allow_target(entry: str, reason: str) -> None:
    """Let the server contact a host, address or network."""
    target = targets.allow(entry, reason=reason)
    click.echo(f"The server may contact {target.entry} now.")


@dialling_group.command("stop")
@click.option("--reason", default="", help="Everybody sees it.")
def stop_dialling(reason: str) -> None:
    """Stop all dialling at once."""
    permissions.stop(reason)
    click.echo("Nobody can dial now. To let it go on: flask --app wsgi dialling start")


@dialling_group.command("start")
def start_dialling() -> None:
    """Let everybody dial again."""
    permissions.resume()
    click.echo("Everybody can dial again.")


@keys_group.command("rotate")
def rotate_keys() -> None:
    """Encrypt all stored secrets with a new key, or with the first of PORTAL_ENCRYPTION_KEYS."""
    count, file = keys.rotate(), keyring.current().file
    if file is None:
        click.echo(f"{count} secrets are encrypted with the first key now.")
    else:
        click.echo(f"{count} secrets are encrypted with a new key now. Save {file} anew.")


@keys_group.command("forget-unreadable")
@click.confirmation_option(prompt="Their owners have to enter them again. Go on?")
def forget_unreadable() -> None:
    """Forget the secrets that no key opens, because their key is lost for good."""
    click.echo(f"{keys.forget_unreadable()} secrets are forgotten.")


@commands.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def save_backup(file: Path) -> None:
    """Copy the database into FILE while the portal goes on working."""
    backup.save(file)
    click.echo(f"The database is in {file}. The key files in {config().data_dir} belong to it.")


@commands.command("purge")
def purge() -> None:
    """Delete what is older than it may get; the portal does so by itself every hour."""
    click.echo(f"{retention.purge()} entries that were too old are deleted.")


@commands.command("dial")
@click.argument("number")
@click.option("--as", "login", required=True, help="Who would call.")
@click.option("--preview", is_flag=True, required=True, help="Show what would be opened.")
def preview_call(number: str, login: str, *, preview: bool) -> None:  # noqa: ARG001 - only this
    """Show what would be opened if somebody called NUMBER; nothing is sent."""
    caller = identity.of_login(login)
    plan = calls.plan(caller, number, phones.for_caller(caller))
    if plan.is_complete and plan.expansion:
        click.echo(plan.expansion.masked)
    plan.ready()


@commands.command("setup-link")
def make_setup_link() -> None:
    """Print a new one-time link for the first administrator."""
    click.echo(_setup_link())


@commands.command("prepare")
def prepare() -> None:
    """Bring the database up to date and print where the portal will be."""
    _require_free(config().bind)
    upgrade()
    keyring.make_first_key()
    calls.settle_lost()
    click.echo(f"Click2Dial Portal: {_base_url()}")
    if not setup.is_done():
        click.echo("There is no administrator yet. This link makes one, once, within an hour:")
        click.echo(_setup_link())


def _decision(found: Check, *, allow_target: bool) -> Decision:
    """Return what the options say of a target that is not allowed yet."""
    return Decision(found.offer if allow_target else "", leave_closed=bool(found.offer))


def _report_target(found: Check, *, allow_target: bool) -> None:
    if found.offer and allow_target:
        click.echo(f"The server may contact {found.offer} now.")
    elif found.offer:
        hint = f"flask --app wsgi targets allow {found.offer}"
        click.echo(f"The server may not contact {found.offer} yet. To allow it: {hint}", err=True)


def _setup_link() -> str:
    return f"{_base_url()}/setup?token={setup.new_link()}"


def _base_url() -> str:
    """Return where a browser on this machine finds the portal."""
    host, _, port = config().bind.rpartition(":")
    if host == "unix":
        return "http://localhost"
    if host in {"", "0.0.0.0", "[::]"}:  # noqa: S104 - recognised, not bound
        host = "localhost"
    return f"http://{host}:{port}"


def _require_free(bind: str) -> None:
    """Raise ConfigError if nobody could listen on this address."""
    if bind.startswith("unix:"):
        return
    host, _, port = bind.rpartition(":")
    try:
        found = socket.getaddrinfo(
            host.strip("[]") or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, kind, protocol, _name, address = found[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise ConfigError(
            "bind",
            N_(
                "The portal cannot listen on %(bind)s: %(reason)s. Stop the program that uses "
                "this address, or choose another one with PORTAL_BIND."
            ),
            bind=bind,
            reason=error.strerror or str(error),
        ) from None
