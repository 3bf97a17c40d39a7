"""What people write back, the words that mean STOP, and WhatsApp."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb')
    def binary(length: int) -> sa.types.TypeEngine:
        return sa.LargeBinary(length=length).with_variant(mysql.VARBINARY(length=length), 'mysql', 'mariadb')

    op.create_table('reply',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('uid', binary(16), nullable=False),
    sa.Column('channel', sa.String(length=16), nullable=False),
    sa.Column('provider_id', sa.String(length=64), nullable=False),
    sa.Column('gateway_id', sa.Integer(), nullable=False),
    sa.Column('sealed', binary(8192), nullable=False),
    sa.Column('address_index', binary(16), nullable=False),
    sa.Column('contact_id', sa.Integer(), nullable=True),
    sa.Column('campaign_id', sa.Integer(), nullable=True),
    sa.Column('seq', sa.Integer(), nullable=True),
    sa.Column('media', sa.SmallInteger(), nullable=False),
    sa.Column('meaning', sa.String(length=16), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('received_at', moment, nullable=False),
    sa.Column('settled_by', sa.String(length=64), nullable=False),
    sa.Column('settled_at', moment, nullable=True),
    sa.ForeignKeyConstraint(['contact_id'], ['contact.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('provider_id'),
    sqlite_autoincrement=True
    )
    op.create_index('ix_reply_address_index', 'reply', ['address_index'], unique=False)
    op.create_index('ix_reply_campaign_id', 'reply', ['campaign_id', 'seq'], unique=False)
    op.create_index('ix_reply_contact_id', 'reply', ['contact_id'], unique=False)
    op.create_index('ix_reply_received_at', 'reply', ['received_at'], unique=False)
    op.create_index('ix_reply_state', 'reply', ['state', 'id'], unique=False)

    op.create_table('reply_words',
    sa.Column('meaning', sa.String(length=16), nullable=False),
    sa.Column('words', sa.JSON(), nullable=False),
    sa.Column('answer', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('meaning')
    )
    op.create_table('whatsapp_template',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('account_sid', sa.String(length=34), nullable=False),
    sa.Column('content_sid', sa.String(length=34), nullable=False),
    sa.Column('name', sa.String(length=250), nullable=False),
    sa.Column('language', sa.String(length=16), nullable=False),
    sa.Column('category', sa.String(length=40), nullable=False),
    sa.Column('status', sa.String(length=16), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('variables', sa.JSON(), nullable=False),
    sa.Column('why', sa.String(length=255), nullable=False),
    sa.Column('synced_at', moment, nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('content_sid'),
    sqlite_autoincrement=True
    )
    op.create_index('ix_whatsapp_template_account_sid', 'whatsapp_template', ['account_sid'], unique=False)
    op.add_column('gateway', sa.Column('channel', sa.String(length=16), nullable=False, server_default='sms'))
    for table in ('campaign', 'campaign_content'):
        values = sa.Column('template_values', sa.String(length=4000), nullable=False, server_default='')
        op.add_column(table, values)
    op.add_column('campaign_content', sa.Column('content_sid', sa.String(length=34), nullable=False, server_default=''))
    if op.get_bind().dialect.name == 'sqlite':
        # in place: a new table instead would take every row that hangs on the old one along
        op.execute('ALTER TABLE campaign ADD COLUMN whatsapp_template_id INTEGER REFERENCES whatsapp_template (id)')
    else:
        op.add_column('campaign', sa.Column('whatsapp_template_id', sa.Integer(), nullable=True))
        names = ('fk_campaign_whatsapp_template_id', 'campaign', 'whatsapp_template')
        op.create_foreign_key(*names, ['whatsapp_template_id'], ['id'])


def downgrade() -> None:
    op.execute("DELETE FROM suppression WHERE channel = 'whatsapp'")
    if op.get_bind().dialect.name != 'sqlite':
        op.drop_constraint('fk_campaign_whatsapp_template_id', 'campaign', type_='foreignkey')
    op.drop_column('campaign', 'whatsapp_template_id')
    op.drop_column('campaign_content', 'content_sid')
    for table in ('campaign', 'campaign_content'):
        op.drop_column(table, 'template_values')
    op.drop_column('gateway', 'channel')
    op.drop_table('whatsapp_template')
    op.drop_table('reply_words')
    op.drop_table('reply')
    # what the version before this one calls such an entry
    op.execute("UPDATE suppression SET source = 'unsubscribed' WHERE source = 'stop-word'")
