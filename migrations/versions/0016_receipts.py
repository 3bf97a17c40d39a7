"""Receipts of e-mails."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb')
    def binary(length: int) -> sa.types.TypeEngine:
        return sa.LargeBinary(length=length).with_variant(mysql.VARBINARY(length=length), 'mysql', 'mariadb')

    op.add_column('smtp_account', sa.Column('bounce_address', sa.String(length=254), nullable=True))
    op.create_table('bounce_mailbox',
    sa.Column('smtp_account_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('uid', binary(16), nullable=False),
    sa.Column('protocol', sa.String(length=8), nullable=False),
    sa.Column('host', sa.String(length=253), nullable=False),
    sa.Column('port', sa.Integer(), nullable=False),
    sa.Column('security', sa.String(length=16), nullable=False),
    sa.Column('username', sa.String(length=255), nullable=False),
    sa.Column('secret_sealed', binary(1024), nullable=False),
    sa.Column('due_at', moment, nullable=False),
    sa.Column('checked_at', moment, nullable=True),
    sa.Column('problem', sa.String(length=255), nullable=False),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('receipts', sa.Integer(), nullable=False),
    sa.Column('ignored', sa.Integer(), nullable=False),
    sa.Column('strange', sa.Integer(), nullable=False),
    sa.Column('left_over', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['smtp_account_id'], ['smtp_account.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('smtp_account_id')
    )
    op.create_table('receipt_hook',
    sa.Column('way', sa.String(length=16), nullable=False),
    sa.Column('uid', binary(16), nullable=False),
    sa.Column('setting', sa.String(length=500), nullable=False),
    sa.Column('secret_sealed', binary(1024), nullable=True),
    sa.Column('last_event_at', moment, nullable=True),
    sa.Column('delivered', sa.Integer(), nullable=False),
    sa.Column('bounced', sa.Integer(), nullable=False),
    sa.Column('complained', sa.Integer(), nullable=False),
    sa.Column('unknown', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('way')
    )
    op.create_table('receipt',
    sa.Column('campaign_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('seq', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('address_index', binary(16), nullable=False),
    sa.Column('came_by', sa.String(length=16), nullable=False),
    sa.Column('detail', sa.String(length=255), nullable=False),
    sa.Column('happened_at', moment, nullable=False),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('campaign_id', 'seq', 'kind')
    )
    op.create_index('ix_receipt_address_index', 'receipt', ['address_index', 'happened_at'], unique=False)


def downgrade() -> None:
    op.drop_index('ix_receipt_address_index', table_name='receipt')
    op.drop_table('receipt')
    op.drop_table('receipt_hook')
    op.drop_table('bounce_mailbox')
    op.execute("UPDATE suppression SET source = 'invalid' WHERE source = 'bounced'")
    op.execute("UPDATE suppression SET source = 'unsubscribed' WHERE source = 'complained'")
    op.drop_column('smtp_account', 'bounce_address')
