"""The first tables.

Revision: 0001, the first
Made: 2026-11-22 22:09:11.699571
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "handlers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("url", sa.String(length=2048), nullable=False),
        sa.Column("starts_with", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_handlers"),
        sa.UniqueConstraint("name", name="uq_handlers_name"),
    )
    op.create_index("ix_handlers_starts_with", "handlers", ["starts_with"])

    op.create_table(
        "settings",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_settings"),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("login", sa.String(length=255), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "admin", "user", name="role", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("may_manage_phones", sa.Boolean(), nullable=False),
        sa.Column("may_dial", sa.Boolean(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("theme", sa.String(length=8), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("firstname", sa.String(length=255), nullable=False),
        sa.Column("surname", sa.String(length=255), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column("phone", sa.String(length=255), nullable=False),
        sa.Column("mobile", sa.String(length=255), nullable=False),
        sa.Column("fax", sa.String(length=255), nullable=False),
        sa.Column("department", sa.String(length=255), nullable=False),
        sa.Column("position", sa.String(length=255), nullable=False),
        sa.Column("location", sa.String(length=255), nullable=False),
        sa.Column("cti_user", sa.String(length=255), nullable=False),
        sa.Column("cti_phone", sa.String(length=255), nullable=False),
        sa.Column("cti_pass_sealed", sa.String(length=2048), nullable=False),
        sa.Column("cti_pass_set_at", sa.DateTime(), nullable=True),
        sa.Column("preferred_phone_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["preferred_phone_id"],
            ["phones.id"],
            name="fk_users_preferred_phone_id",
            ondelete="SET NULL",
            use_alter=True,
        ),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("login", name="uq_users_login"),
    )
    op.create_table(
        "phones",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("url", sa.String(length=2048), nullable=False),
        sa.Column("starts_with", sa.String(length=32), nullable=False),
        sa.Column(
            "open_mode",
            sa.Enum(
                "server",
                "client",
                "window",
                name="openmode",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "number_format",
            sa.Enum(
                "as_entered",
                "international_00",
                "e164",
                "e164_digits",
                "national",
                name="numberformat",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("outside_prefix", sa.String(length=8), nullable=False),
        sa.Column("secrets_allowed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name="fk_phones_owner_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_phones"),
        sa.UniqueConstraint("owner_id", "name", name="uq_phones_owner_id_name"),
    )
    op.create_index("ix_phones_starts_with", "phones", ["starts_with"])

    op.create_index(
        "uq_phones_one_default",
        "phones",
        [sa.text("(owner_id IS NULL)")],
        unique=True,
        sqlite_where=sa.text("owner_id IS NULL"),
        postgresql_where=sa.text("owner_id IS NULL"),
    )
    if op.get_bind().dialect.name == "postgresql":  # SQLite takes it with the table
        op.create_foreign_key(
            "fk_users_preferred_phone_id",
            "users",
            "phones",
            ["preferred_phone_id"],
            ["id"],
            ondelete="SET NULL",
        )

    op.create_table(
        "user_sessions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("last_used_at", sa.DateTime(), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("browser", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_user_sessions_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_user_sessions"),
        sa.UniqueConstraint("token_hash", name="uq_user_sessions_token_hash"),
    )
    op.create_index("ix_user_sessions_user_id", "user_sessions", ["user_id"])

    op.create_table(
        "calls",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("click_token", sa.String(length=64), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("phone_id", sa.Integer(), nullable=True),
        sa.Column("phone_name", sa.String(length=80), nullable=False),
        sa.Column("connector", sa.String(length=16), nullable=False),
        sa.Column(
            "open_mode",
            sa.Enum(
                "server",
                "client",
                "window",
                name="openmode",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("masked_url", sa.String(length=4096), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "new",
                "sending",
                "handed_over",
                "accepted",
                "ringing",
                "answered",
                "ended",
                "failed",
                "unknown",
                name="callstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("outcome", sa.String(length=40), nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("times", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["phone_id"], ["phones.id"], name="fk_calls_phone_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_calls_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_calls"),
        sa.UniqueConstraint("user_id", "click_token", name="uq_calls_user_id_click_token"),
    )
    op.create_index("ix_calls_user_newest", "calls", ["user_id", "created_at"])


def downgrade():
    op.drop_table("calls")
    op.drop_table("user_sessions")
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("fk_users_preferred_phone_id", "users", type_="foreignkey")
    op.drop_table("phones")
    op.drop_table("users")
    op.drop_table("settings")
    op.drop_table("handlers")
