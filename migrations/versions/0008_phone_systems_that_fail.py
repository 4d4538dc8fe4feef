"""Phone systems that fail, and credentials that they refuse.

Revision: 0008, after 0007
Made: 2026-11-28 03:25:00.000000
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "phone_systems",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("target", sa.String(length=264), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=40), nullable=False),
        sa.Column("failed_at", sa.DateTime(), nullable=False),
        sa.Column("pause", sa.Integer(), nullable=False),
        sa.Column("paused_until", sa.DateTime(), nullable=True),
        sa.Column("probe_until", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_phone_systems"),
        sa.UniqueConstraint("target", name="uq_phone_systems_target"),
    )
    op.create_table(
        "credential_refusals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("target", sa.String(length=264), nullable=False),
        sa.Column("mark", sa.String(length=64), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("refused_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_credential_refusals_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_credential_refusals"),
        sa.UniqueConstraint("user_id", "target", name="uq_credential_refusals_user_id_target"),
    )


def downgrade():
    op.execute(
        "UPDATE calls SET outcome = 'busy' WHERE outcome IN ('paused', 'credentials-paused')"
    )
    op.drop_table("credential_refusals")
    op.drop_table("phone_systems")
