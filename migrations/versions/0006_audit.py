"""Who did what and when; campaigns that are there already begin with the event of their making."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql
revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb')
    op.create_table('audit_event',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('happened_at', moment, nullable=False),
    sa.Column('done_by', sa.String(length=64), nullable=False),
    sa.Column('what', sa.String(length=32), nullable=False),
    sa.Column('subject', sa.String(length=16), nullable=False),
    sa.Column('subject_id', sa.Integer(), nullable=True),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('detail', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_audit_event_subject', 'audit_event', ['subject', 'subject_id', 'happened_at'], unique=False)
    op.create_index('ix_audit_event_what', 'audit_event', ['what', 'happened_at'], unique=False)
    op.create_index('ix_audit_event_done_by', 'audit_event', ['done_by', 'happened_at'], unique=False)
    op.create_index('ix_audit_event_happened_at', 'audit_event', ['happened_at'], unique=False)
    op.execute(
        "INSERT INTO audit_event (happened_at, done_by, what, subject, subject_id, name, detail) "
        "SELECT created_at, created_by, 'campaign.create', 'campaign', id, "
        "CASE WHEN name LIKE '%@%' THEN '' ELSE name END, '{}' FROM campaign"
    )


def downgrade() -> None:
    op.drop_table('audit_event')
