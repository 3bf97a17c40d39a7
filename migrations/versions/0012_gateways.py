"""Gateways for text messages."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None


def _lanes(sender: sa.Column) -> None:
    # leases that live some seconds: made anew instead of carried over
    moment = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb')
    op.drop_table('sender_lane')
    op.create_table('sender_lane',
    sender,
    sa.Column('lane', sa.SmallInteger(), autoincrement=False, nullable=False),
    sa.Column('owner', sa.String(length=120), nullable=True),
    sa.Column('until', moment, nullable=True),
    sa.Column('job_id', sa.String(length=80), nullable=True),
    sa.PrimaryKeyConstraint(sender.name, 'lane')
    )


def upgrade() -> None:
    moment = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb')
    def binary(length: int) -> sa.types.TypeEngine:
        return sa.LargeBinary(length=length).with_variant(mysql.VARBINARY(length=length), 'mysql', 'mariadb')

    op.create_table('gateway',
    sa.Column('account_sid', sa.String(length=34), nullable=False),
    sa.Column('key_sid', sa.String(length=34), nullable=False),
    sa.Column('sender', sa.String(length=34), nullable=False),
    sa.Column('segment_price_micros', sa.Integer(), nullable=True),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('uid', binary(16), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('secret_sealed', binary(1024), nullable=True),
    sa.Column('max_connections', sa.Integer(), nullable=False),
    sa.Column('per_second', sa.Integer(), nullable=True),
    sa.Column('per_minute', sa.Integer(), nullable=True),
    sa.Column('per_hour', sa.Integer(), nullable=True),
    sa.Column('per_day', sa.Integer(), nullable=True),
    sa.Column('is_enabled', sa.Boolean(), nullable=False),
    sa.Column('paused_reason', sa.String(length=255), nullable=True),
    sa.Column('breaker_open_until', moment, nullable=True),
    sa.Column('breaker_open_seconds', sa.Integer(), nullable=False),
    sa.Column('last_error', sa.Text(), nullable=True),
    sa.Column('last_error_at', moment, nullable=True),
    sa.Column('created_at', moment, nullable=False),
    sa.Column('changed_at', moment, nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('name'),
    sqlite_autoincrement=True
    )
    if op.get_bind().dialect.name == 'sqlite':
        # in place: a new table instead would take every row that hangs on the old one along
        op.execute('ALTER TABLE campaign ADD COLUMN gateway_id INTEGER REFERENCES gateway (id)')
    else:
        op.add_column('campaign', sa.Column('gateway_id', sa.Integer(), nullable=True))
        op.create_foreign_key('fk_campaign_gateway_id', 'campaign', 'gateway', ['gateway_id'], ['id'])
    op.add_column('campaign_recipient', sa.Column('provider_id', sa.String(length=64), nullable=True))
    _lanes(sa.Column('sender', sa.String(length=40), nullable=False))


def downgrade() -> None:
    _lanes(sa.Column('sender_id', sa.Integer(), autoincrement=False, nullable=False))
    op.execute("DELETE FROM suppression WHERE channel = 'sms'")
    op.drop_column('campaign_recipient', 'provider_id')
    if op.get_bind().dialect.name != 'sqlite':
        op.drop_constraint('fk_campaign_gateway_id', 'campaign', type_='foreignkey')
    op.drop_column('campaign', 'gateway_id')
    op.drop_table('gateway')
