"""Web push: the sender with its keys, devices of contacts, and what a notification has."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb')

    def binary(length: int) -> sa.types.TypeEngine:
        return sa.LargeBinary(length=length).with_variant(mysql.VARBINARY(length=length), 'mysql', 'mariadb')

    op.create_table('web_push_sender',
    sa.Column('public_key', sa.String(length=90), nullable=False),
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
    op.create_table('push_device',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('uid', binary(16), nullable=False),
    sa.Column('contact_id', sa.Integer(), nullable=False),
    sa.Column('endpoint_index', binary(16), nullable=False),
    sa.Column('sealed', binary(1200), nullable=False),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('created_at', moment, nullable=False),
    sa.ForeignKeyConstraint(['contact_id'], ['contact.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('endpoint_index'),
    sqlite_autoincrement=True
    )
    op.create_index('ix_push_device_contact_id', 'push_device', ['contact_id'], unique=False)
    for table in ('campaign', 'campaign_content'):
        op.add_column(table, sa.Column('icon_url', sa.String(length=500), nullable=False, server_default=''))
        op.add_column(table, sa.Column('target_url', sa.String(length=1000), nullable=False, server_default=''))
    if op.get_bind().dialect.name == 'sqlite':
        # in place: a new table instead would take every row that hangs on the old one along
        op.execute('ALTER TABLE campaign ADD COLUMN web_push_sender_id INTEGER REFERENCES web_push_sender (id)')
    else:
        op.add_column('campaign', sa.Column('web_push_sender_id', sa.Integer(), nullable=True))
        names = ('fk_campaign_web_push_sender_id', 'campaign', 'web_push_sender')
        op.create_foreign_key(*names, ['web_push_sender_id'], ['id'])


def downgrade() -> None:
    if op.get_bind().dialect.name != 'sqlite':
        op.drop_constraint('fk_campaign_web_push_sender_id', 'campaign', type_='foreignkey')
    op.drop_column('campaign', 'web_push_sender_id')
    for table in ('campaign', 'campaign_content'):
        op.drop_column(table, 'target_url')
        op.drop_column(table, 'icon_url')
    op.drop_table('push_device')
    op.drop_table('web_push_sender')
