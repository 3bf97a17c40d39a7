"""The removal log, with those who were removed before there was one; retries of those who failed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb')
    address_index = sa.LargeBinary(length=16).with_variant(mysql.VARBINARY(length=16), 'mysql', 'mariadb')
    op.create_table('removal',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('campaign_id', sa.Integer(), nullable=False),
    sa.Column('contact_id', sa.Integer(), nullable=True),
    sa.Column('address_index', address_index, nullable=True),
    sa.Column('client_name', sa.String(length=250), nullable=False),
    sa.Column('campaign_name', sa.String(length=150), nullable=False),
    sa.Column('reason', sa.String(length=40), nullable=False),
    sa.Column('why', sa.String(length=255), nullable=False),
    sa.Column('state_before', sa.String(length=12), nullable=True),
    sa.Column('reason_before', sa.String(length=40), nullable=True),
    sa.Column('removed_by', sa.String(length=64), nullable=False),
    sa.Column('removed_at', moment, nullable=False),
    sa.Column('restored_by', sa.String(length=64), nullable=False),
    sa.Column('restored_at', moment, nullable=True),
    sa.ForeignKeyConstraint(['contact_id'], ['contact.id'], ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_removal_campaign_id', 'removal', ['campaign_id', 'contact_id'], unique=False)
    op.create_index('ix_removal_contact_id', 'removal', ['contact_id'], unique=False)
    op.create_index('ix_removal_removed_at', 'removal', ['removed_at'], unique=False)
    is_sqlite = op.get_bind().dialect.name == 'sqlite'
    name = "c.first_name || ' ' || c.last_name" if is_sqlite else "CONCAT(c.first_name, ' ', c.last_name)"
    op.execute(
        "INSERT INTO removal (campaign_id, contact_id, address_index, client_name, campaign_name, reason, why, "
        "removed_by, removed_at, restored_by) "
        "SELECT r.campaign_id, c.id, r.address_index, "
        f"TRIM({name}), k.name, r.reason, '', "
        "SUBSTR(COALESCE(r.detail, ''), 12, 64), r.done_at, '' "
        "FROM campaign_recipient r JOIN campaign k ON k.id = r.campaign_id JOIN contact c ON c.id = r.contact_id "
        "WHERE r.state = 'stopped' AND r.reason = 'removed-by-user' AND r.done_at IS NOT NULL"
    )
    op.create_table('retry_run',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('campaign_id', sa.Integer(), nullable=False),
    sa.Column('reason', sa.String(length=40), nullable=False),
    sa.Column('last_seq', sa.Integer(), nullable=False),
    sa.Column('reached', sa.Integer(), nullable=False),
    sa.Column('put_back', sa.Integer(), nullable=False),
    sa.Column('created_by', sa.String(length=64), nullable=False),
    sa.Column('created_at', moment, nullable=False),
    sa.Column('moved_at', moment, nullable=False),
    sa.Column('finished_at', moment, nullable=True),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id'),
    sqlite_autoincrement=True
    )
    op.create_index('ix_retry_run_campaign_id', 'retry_run', ['campaign_id'], unique=False)
    op.create_index('ix_retry_run_finished_at', 'retry_run', ['finished_at'], unique=False)


def downgrade() -> None:
    op.drop_table('retry_run')
    op.drop_table('removal')
