"""What a whole channel may send; one table for what is on its way over many recipients, instead of two."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb')
SHARED = 'campaign_id, last_seq, reached, created_by, created_at, moved_at, finished_at'


def upgrade() -> None:
    op.create_table('channel_limit',
    sa.Column('channel', sa.String(length=16), nullable=False),
    sa.Column('per_second', sa.Integer(), nullable=True),
    sa.Column('per_minute', sa.Integer(), nullable=True),
    sa.Column('per_hour', sa.Integer(), nullable=True),
    sa.Column('per_day', sa.Integer(), nullable=True),
    sa.PrimaryKeyConstraint('channel')
    )
    op.create_table('recipient_run',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('campaign_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('internal_status_id', sa.Integer(), nullable=True),
    sa.Column('asked', sa.JSON(), nullable=False),
    sa.Column('reason', sa.String(length=40), nullable=True),
    sa.Column('last_seq', sa.Integer(), nullable=False),
    sa.Column('reached', sa.Integer(), nullable=False),
    sa.Column('changed', sa.Integer(), nullable=False),
    sa.Column('created_by', sa.String(length=64), nullable=False),
    sa.Column('created_at', MOMENT, nullable=False),
    sa.Column('moved_at', MOMENT, nullable=False),
    sa.Column('finished_at', MOMENT, nullable=True),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id'),
    sqlite_autoincrement=True
    )
    op.create_index('ix_recipient_run_campaign_id', 'recipient_run', ['campaign_id'], unique=False)
    op.create_index('ix_recipient_run_finished_at', 'recipient_run', ['finished_at'], unique=False)
    # a run that is on its way goes on: the sweep rings for it under its new number
    op.execute(f"INSERT INTO recipient_run (kind, internal_status_id, asked, changed, {SHARED}) "
               f"SELECT 'label', internal_status_id, asked, marked, {SHARED} FROM label_run ORDER BY id")
    op.execute(f"INSERT INTO recipient_run (kind, asked, reason, changed, {SHARED}) "
               f"SELECT 'retry', '{{}}', reason, put_back, {SHARED} FROM retry_run ORDER BY id")
    op.drop_table('label_run')
    op.drop_table('retry_run')


def downgrade() -> None:
    for kind, done, own in (
        ('label', 'marked', [sa.Column('internal_status_id', sa.Integer(), nullable=True), sa.Column('asked', sa.JSON(), nullable=False)]),
        ('retry', 'put_back', [sa.Column('reason', sa.String(length=40), nullable=False)]),
    ):
        op.create_table(f'{kind}_run',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        *own,
        sa.Column('last_seq', sa.Integer(), nullable=False),
        sa.Column('reached', sa.Integer(), nullable=False),
        sa.Column(done, sa.Integer(), nullable=False),
        sa.Column('created_by', sa.String(length=64), nullable=False),
        sa.Column('created_at', MOMENT, nullable=False),
        sa.Column('moved_at', MOMENT, nullable=False),
        sa.Column('finished_at', MOMENT, nullable=True),
        sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id'),
        sqlite_autoincrement=True
        )
        op.create_index(f'ix_{kind}_run_campaign_id', f'{kind}_run', ['campaign_id'], unique=False)
        op.create_index(f'ix_{kind}_run_finished_at', f'{kind}_run', ['finished_at'], unique=False)
        names = ', '.join(column.name for column in own)
        op.execute(f"INSERT INTO {kind}_run ({names}, {done}, {SHARED}) "
                   f"SELECT {names}, changed, {SHARED} FROM recipient_run WHERE kind = '{kind}' ORDER BY id")
    op.drop_table('recipient_run')
    op.drop_table('channel_limit')
